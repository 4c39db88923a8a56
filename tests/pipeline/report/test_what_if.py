"""The pure parts: ranks and exact counts against the judge of documents itself."""

import numpy as np
import pyarrow as pa
import pytest

from filters.text.fields import DocumentMeasures
from filters.text.rule_sets import document_rules
from filters.text.rules import judge_document
from pipeline.recipe import load
from pipeline.report.sliders import sliders
from pipeline.report.what_if import as_numpy, count, current, judge
from pipeline.report.what_if_tables import by_language, image_rows
from schemas.image import IMAGES

RECIPE = load("weft", ["language.min_score_of.fr=0.9"])
OWN = [slider for slider in sliders(RECIPE) if slider.stage == "documents"]
LANGUAGES = ["en", "fr", "ja", "xx"]


def pages(number, seed):
    """Measures near the bounds, so that each rule has its chance."""
    dice = np.random.default_rng(seed)
    columns = {name: dice.choice([0.0, 0.02, 0.1, 0.2, 0.5, 1.0], number) for name in DocumentMeasures.__annotations__}
    for name in ("num_words", "num_nodes", "num_chars", "max_node_words", "mean_node_words"):
        columns[name] = dice.choice([1.0, 29.0, 30.0, 200.0, 200_000.0], number)
    columns["mean_word_length"] = dice.choice([1.0, 1.2, 2.0, 5.0, 12.0, 12.5], number)
    easy = dice.random((number, len(columns))) < 0.97  # most measures of a page are fine
    fine = {"alphabetic_words": 1.0, "stop_words": 0.5, "punctuation": 0.1, "num_words": 200.0, "mean_word_length": 5.0}
    for i, name in enumerate(columns):
        columns[name] = np.where(easy[:, i], fine.get(name, 0.0), columns[name])
    columns["stop_words"][dice.random(number) < 0.1] = np.nan
    columns |= {
        "language": dice.choice(LANGUAGES, number),
        "language_score": dice.choice([0.4, 0.5, 0.8, 0.95], number),
    }
    return columns | {"ok": np.ones(number, bool)}


def keeps(columns, place, rules, scores):
    language = str(columns["language"][place])
    if columns["language_score"][place] < scores.get(language, 0.5):
        return False
    values = {name: columns[name][place] for name in DocumentMeasures.__annotations__}
    measures = DocumentMeasures(**{name: None if np.isnan(value) else value for name, value in values.items()})
    return judge_document(measures, document_rules(rules, language)) is None


@pytest.fixture(scope="module")
def judged():
    columns = pages(1_500, 5)
    rules = RECIPE.text.resolve()
    columns["kept"] = np.array([keeps(columns, i, rules, {"fr": 0.9}) for i in range(1_500)])
    return columns, *judge(columns, by_language(RECIPE), OWN)


def test_at_the_recipes_positions_the_sliders_keep_what_the_judge_keeps(judged):
    columns, ranks, ok = judged
    assert 100 < columns["kept"].sum() < 1_400
    assert ((ranks > current(OWN)).all(axis=1) & ok == columns["kept"]).all()


@pytest.mark.parametrize(
    ("key", "value"),
    [("min_words", 200), ("max_mean_word_length", 5.0), ("max_special_characters", 0.1), ("min_stop_words", 0.5)],
)
def test_one_slider_is_exact(judged, key, value):
    columns, ranks, ok = judged
    moved = load("weft", [f"text.document.{key}={value}", "language.min_score_of.fr=0.9"]).text.resolve()
    truth = sum(keeps(columns, i, moved, {"fr": 0.9}) for i in range(len(ok)))
    place = next(i for i, slider in enumerate(OWN) if slider.key == f"text.document.{key}")
    position = OWN[place].as_json()["positions"].index(value)
    assert count(ranks, ok, OWN)[place][position + 1 :].sum() == truth != columns["kept"].sum()


def test_what_an_unknown_rule_dropped_stays_dropped(judged):
    columns, _, _ = judged
    place = int(np.flatnonzero(columns["kept"])[0])
    changed = columns | {"kept": np.where(np.arange(len(columns["kept"])) == place, False, columns["kept"])}
    _, ok = judge(changed, by_language(RECIPE), OWN)
    assert not ok[place]


def test_nulls_are_nan_or_false():
    batch = pa.RecordBatch.from_pydict({"a": [1, None], "b": [True, None], "c": ["x", None]})
    found = as_numpy(batch)
    assert np.isnan(found["a"][1])
    assert found["b"].tolist() == [True, False]
    assert found["c"].tolist() == ["x", None]


def test_sliders_of_entropy_and_sharpness_do_not_bind_pictures_that_are_rich_in_text(spark, row_of):
    recipe = load("weft", ["images.min_entropy=3", "images.min_sharpness=10", "images.min_text_share=0.1"])
    looks = {"format": "png", "status": "ok", "width": 300, "height": 300, "colour_spread": 99, "nsfw_score": 0.0}
    shares = {"rich": 0.2, "plain": 0.19, "empty": 0.0}
    rows = [
        row_of(IMAGES, url=url, text_share=share, entropy=1.0, sharpness=2.0, **looks) for url, share in shares.items()
    ]
    images = spark.createDataFrame(pa.Table.from_batches([IMAGES.batch(rows)]))
    found = {row["url"]: row for row in image_rows(images, recipe).collect()}
    assert {url: row["ok"] for url, row in found.items()} == {"rich": True, "plain": True, "empty": False}
    own = [slider for slider in sliders(recipe) if slider.key in ("images.min_entropy", "images.min_sharpness")]
    kept = {
        url: [bool((slider.ranks([np.nan if (value := row[slider.measure]) is None else value]) > slider.current)[0])
              for slider in own]
        for url, row in found.items()
    }  # fmt: skip
    assert kept == {"rich": [True, True], "plain": [False, False], "empty": [False, False]}
