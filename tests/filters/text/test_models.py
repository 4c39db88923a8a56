"""Perplexity and quality by models that the tests write themselves."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filters.text import Config as TextConfig
from filters.text import check, fingerprint, measure_document, word_lists
from filters.text.models import Config, load, normalise
from schemas.errors import ConfigError, ModelUnavailable

ARPA = """\\data\\
ngram 1=5
ngram 2=1

\\1-grams:
-1.0\t<unk>\t0
-99\t<s>\t0
-0.5\t</s>\t0
-0.25\tcat\t0
-0.75\tdog\t0

\\2-grams:
-0.125\tdog cat

\\end\\
"""
LISTS = word_lists.build({}, {})


@pytest.fixture
def arpa(tmp_path):
    pytest.importorskip("kenlm")
    path = tmp_path / "xx.arpa"
    path.write_text(ARPA)
    return str(path)


@pytest.fixture
def classifier(tmp_path, write_fasttext):
    path = tmp_path / "quality.bin"
    write_fasttext(path, ["good", "bad"], ["__label__hq", "__label__lq"])
    return str(path)


@pytest.mark.parametrize(
    ("text", "log", "tokens"),
    [
        ("Cat dog", 0.25 + 0.75 + 0.5, 3),
        ("dog cat", 0.75 + 0.125 + 0.5, 3),
        ("cat\ncat!", 2 * (0.25 + 0.5), 4),
        ("bird", 1.0 + 0.5, 2),
        ("cat\n\n\n", 0.75, 2),
    ],
)
def test_perplexity_is_ten_to_the_mean_log_a_token(arpa, text, log, tokens):
    found = load(Config(perplexity={"xx": arpa})).perplexity(text, "xx")
    assert found == pytest.approx(10 ** (log / tokens), abs=1e-3)


def test_a_language_without_a_model_and_a_text_without_tokens_are_not_measured(arpa):
    models = load(Config(perplexity={"xx": arpa}))
    assert models.perplexity("cat", "en") is None
    assert models.perplexity("cat", None) is None
    assert models.perplexity("...", "xx") is None
    assert models.quality("cat") is None


def test_quality_is_the_probability_of_its_label(classifier):
    models = load(Config(quality=classifier))
    assert models.quality("good") == 1.0
    assert models.quality("bad") < 0.01
    assert models.perplexity("good", "en") is None


def test_models_are_measures_like_others(arpa, classifier):
    models = load(Config(perplexity={"xx": arpa}, quality=classifier, perplexity_of_nodes=True))
    whole, nodes = measure_document(["cat", "dog good"], "xx", LISTS, models)
    assert whole.quality == 1.0
    assert whole.perplexity == models.perplexity("cat\ndog good", "xx")
    assert [node.perplexity for node in nodes] == [models.perplexity(t, "xx") for t in ("cat", "dog good")]
    without, bare = measure_document(["cat"], "xx", LISTS)
    assert (without.perplexity, without.quality, bare[0].perplexity) == (None, None, None)


@pytest.mark.parametrize(
    ("text", "normal"),
    [("Ça coûte 3,50 €!", "ca coute 0 00"), ("a\n\n b ", "a\n\nb"), ("日本語。", "日本語"), ("", "")],
)
def test_texts_are_normalised_as_the_models_were_made(text, normal):
    assert normalise(text) == normal


@given(st.text(max_size=60))
def test_normalising_twice_changes_nothing(text):
    assert normalise(normalise(text)) == normalise(text)


def test_no_models_is_nothing_to_load():
    assert load(Config()) is None
    assert fingerprint(TextConfig()) == []


def test_a_fingerprint_follows_the_content_not_the_path(arpa, tmp_path):
    copy = tmp_path / "copy.arpa"
    copy.write_text(ARPA)
    prints = [fingerprint(TextConfig(models=Config(perplexity={"xx": path}))) for path in (arpa, str(copy))]
    assert prints[0] == prints[1]
    copy.write_text(ARPA.replace("dog", "hen"))
    assert fingerprint(TextConfig(models=Config(perplexity={"xx": str(copy)}))) != prints[0]


@pytest.mark.parametrize("content", [None, b"junk", b"", bytes(range(256)) * 9])
def test_what_is_no_model_is_named_before_the_job_starts(tmp_path, content):
    pytest.importorskip("kenlm")
    path = tmp_path / "some.model"
    if content is not None:
        path.write_bytes(content)
    for config in (Config(perplexity={"xx": str(path)}), Config(quality=str(path))):
        with pytest.raises(ModelUnavailable, match=r"some\.model"):
            check(TextConfig(models=config))


def test_a_classifier_without_the_label_is_named(classifier):
    with pytest.raises(ModelUnavailable, match="__label__hq"):
        load(Config(quality=classifier, quality_label="__label__great"))


def test_pieces_without_a_model_are_refused():
    with pytest.raises(ConfigError, match="sentencepiece"):
        Config(sentencepiece={"en": "x.model"})


def test_an_impossible_text_has_a_bounded_perplexity(tmp_path):
    pytest.importorskip("kenlm")
    path = tmp_path / "hard.arpa"
    path.write_text(ARPA.replace("-1.0\t<unk>", "-50\t<unk>"))
    found = load(Config(perplexity={"xx": str(path)})).perplexity("bird " * 10, "xx")
    assert math.isfinite(found)
    assert found == 1e9
