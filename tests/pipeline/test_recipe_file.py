from dataclasses import dataclass, field
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.recipe_file import build, digest, document_keys, laid_over, read
from schemas.errors import ConfigError


@dataclass(frozen=True, slots=True, kw_only=True)
class Inner:
    depth: int = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    mode: Literal["main", "recall"] = "main"
    min_words: int = 5
    share: float = 0.5
    words: tuple[str, ...] = ()
    by_name: dict[str, float] = field(default_factory=dict)
    limits: Inner = field(default_factory=Inner)
    path: str | None = None
    workers: int = field(default=1, metadata={"operational": True})

    def __post_init__(self):
        if self.min_words < 0:
            raise ConfigError("min_words must not be negative")


def test_keys_are_set_and_the_rest_keeps_its_defaults():
    made = build(Sample, {"min_words": 7, "words": ["a"], "limits": {"depth": 4}, "share": 1, "path": "x"}, "text")
    assert made == Sample(min_words=7, words=("a",), limits=Inner(depth=4), share=1.0, path="x")


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"min_word": 7}, r"text.min_word is unknown; did you mean min_words\? Known: "),
        ({"zzz": 7}, r"text.zzz is unknown\. Known: "),
        ({"min_words": "7"}, "text.min_words = '7' must be int"),
        ({"min_words": True}, "text.min_words = True must be int"),
        ({"min_words": -1}, "must not be negative"),
        ({"mode": "all"}, "text.mode = 'all' must be"),
        ({"words": "a"}, "text.words"),
        ({"words": [1]}, "text.words = 1 must be str"),
        ({"limits": {"width": 1}}, r"text.limits.width is unknown"),
        ({"by_name": {"en": "x"}}, "text.by_name.en"),
    ],
)
def test_what_does_not_fit_is_refused_by_name(body, said):
    with pytest.raises(ConfigError, match=said):
        build(Sample, body, "text")


def test_document_keys_leave_out_what_cannot_change_a_document():
    keys = document_keys(Sample())
    assert "workers" not in keys
    assert keys["limits"] == {"depth": 3}


def test_a_recipe_file_is_read_with_overrides(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text('[text]\nmin_words = 4\n[clip]\nmodel = "ViT-B-32"\n')
    overrides = ["text.min_words=9", "clip.model=none", "fetch.limits.cdn.rate=2.5", "text.words=['a']"]
    name, sections = read(str(path), overrides)
    assert name == "mine"
    assert sections == {
        "text": {"min_words": 9, "words": ["a"]},
        "clip": {"model": "none"},
        "fetch": {"limits": {"cdn": {"rate": 2.5}}},
    }


@pytest.mark.parametrize("override", ["text", "text=1", "text.=1", "=1"])
def test_an_override_of_another_form_says_the_form(tmp_path, override):
    path = tmp_path / "mine.toml"
    path.write_text("")
    with pytest.raises(ConfigError, match=r"section\.key=value"):
        read(str(path), [override])


@pytest.mark.parametrize("override", ["text.words.first=1", "text.min_words.x=1"])
def test_a_key_below_a_value_is_refused(tmp_path, override):
    path = tmp_path / "mine.toml"
    path.write_text('[text]\nmin_words = 4\nwords = ["a"]\n')
    with pytest.raises(ConfigError, match="is a value, and has no keys of its own"):
        read(str(path), [override])


def test_a_recipe_that_cannot_be_read_is_said_so():
    with pytest.raises(ConfigError, match="cannot be read: File name too long"):
        read("x" * 5000)


def test_no_such_recipe_lists_the_shipped_ones():
    with pytest.raises(ConfigError, match=r"no recipe at nonsense; shipped ones: .*tiny"):
        read("nonsense")


def test_a_recipe_that_is_no_toml_is_refused(tmp_path):
    path = tmp_path / "bad.toml"
    path.write_text("[text\n")
    with pytest.raises(ConfigError, match="is not TOML"):
        read(str(path))


@given(st.dictionaries(st.text(max_size=3), st.integers() | st.text(max_size=3), max_size=4))
def test_the_digest_does_not_depend_on_the_order_of_keys(facts):
    assert digest(facts) == digest(dict(reversed(list(facts.items()))))
    assert digest(facts) != digest({**facts, "one more": 1})


def test_tables_are_laid_over_each_other_key_by_key_and_values_replaced():
    below = {"text": {"document": {"a": 1, "b": 2}, "rules": "none"}, "images": {"a": 1}}
    above = {"text": {"document": {"b": 3}}, "images": {"a": {"x": 1}}, "nsfw": {"c": 4}}
    assert laid_over(below, above) == {
        "text": {"document": {"a": 1, "b": 3}, "rules": "none"},
        "images": {"a": {"x": 1}},
        "nsfw": {"c": 4},
    }
    assert below["text"] == {"document": {"a": 1, "b": 2}, "rules": "none"}
