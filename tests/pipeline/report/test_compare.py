import json

import pytest

from pipeline.report.compare import compare, read
from schemas.errors import InputError


def facts(name, documents, out, dropped, side):
    totals = dict.fromkeys(("images", "words", "tokens", "bytes", "shards", "seconds"), 10)
    histogram = {"label": "Images a document", "number": documents, "unit": "", "mean": 2.5, "median": 2}
    return {
        "recipe": {"name": name, "fingerprint": "f", "sections": {"images": {"min_side": side, "max_aspect": 3.0}}},
        "totals": totals | {"documents": documents, "unique_images": {"by_url": 4}},
        "steps": [{"step": "01_documents", "unit": "document", "in": 10, "out": out, "dropped": dropped}],
        "distributions": {"documents": {"num_images": histogram}, "images": {}, "clip": {}},
        "duplicates": {},
    }


A, B = facts("a", 6, 6, {"language": 4}, 100), facts("b", 4, 4, {"language": 5, "no_text": 1}, 200)


def test_each_figure_has_its_change():
    found = compare(A, B)
    assert found["names"] == ["a@f", "b@f"]
    assert found["totals"][0] == {"name": "documents", "unit": "", "here": 6, "there": 4, "change": 0.5}
    assert found["means"][0]["here"] == found["means"][0]["there"] == 2
    assert found["recipe"] == [("images.min_side", "100", "200")]
    (step,) = found["steps"]
    rows = {row["name"]: (row["here"], row["there"]) for row in step["rows"]}
    assert rows == {"in": (10, 10), "out": (6, 4), "language": (4, 5), "no_text": (0, 1)}


def test_a_step_that_the_other_run_has_not_is_a_dash_and_nothing_divides_by_nothing():
    found = compare(A, B | {"steps": []})
    assert [(row["there"], row["change"]) for row in found["steps"][0]["rows"]][:2] == [(None, None), (None, None)]
    assert compare(A, facts("c", 0, 0, {}, 1))["totals"][0]["change"] is None


@pytest.mark.parametrize(
    ("text", "said"),
    [(None, "has no report"), ("{", "is not JSON"), (json.dumps({"totals": {}}), "lacks distributions")],
)
def test_a_folder_without_a_report_that_can_be_compared_says_what_to_do(tmp_path, text, said):
    if text is not None:
        (tmp_path / "report").mkdir()
        (tmp_path / "report" / "report.json").write_text(text)
    with pytest.raises(InputError, match=f"{said}.*run weft report"):
        read(tmp_path)


def test_a_report_is_read_back(tmp_path):
    (tmp_path / "report").mkdir()
    (tmp_path / "report" / "report.json").write_text(json.dumps(A))
    assert read(tmp_path) == A
