import pytest

from pipeline.report.published import PUBLISHED, beside, ratios


@pytest.mark.parametrize(
    ("name", "images", "tokens", "per_image"),
    [
        ("KOSMOS-1, interleaved", None, None, None),
        ("M3W, table of OBELICS", 4.30, None, None),
        ("M3W, as lectured", 4.09, None, None),
        ("mmc4", 5.68, 417, 74),
        ("mmc4-ff (fewer faces)", 4.87, 430, 88),
        ("OBELICS", 2.50, 816, 326),
    ],
)
def test_ratios_are_those_of_the_published_figures(name, images, tokens, per_image):
    row = next(row for row in PUBLISHED if row["name"] == name)
    for key, wanted, near in (
        ("images_a_document", images, 0.006),
        ("tokens_a_document", tokens, 0.6),
        ("tokens_an_image", per_image, 0.6),
    ):
        assert row[key] is None if wanted is None else row[key] == pytest.approx(wanted, abs=near)


def test_this_run_stands_in_the_same_columns_and_nothing_divides_by_nothing():
    totals = {
        "documents": 4,
        "images": 8,
        "tokens": 80,
        "tokenizer": "t",
        "unique_images": {"by_url": 6, "by_bytes": 5},
    }
    row = beside("mine", totals)
    assert row.keys() == PUBLISHED[0].keys()
    assert (row["unique"], row["images_a_document"], row["tokens_an_image"]) == (0.75, 2, 10)
    assert beside("none", totals | {"documents": 0, "images": 0})["unique"] is None
    assert ratios(0, 0, 0)["images_a_document"] is None
