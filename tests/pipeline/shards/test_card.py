import datetime
import json

import pytest

from pipeline.shards.card import card, yaml_features
from pipeline.shards.place import Place
from schemas.shard import features


def front_matter(text):
    """The keys between the two lines of dashes; each value is JSON, which is YAML."""
    lines = text.split("---\n")[1].splitlines()
    return {key: json.loads(value) for key, _, value in (line.partition(": ") for line in lines)}


def test_the_card_says_what_the_shards_hold(sound):
    text = card(Place(sound), "Twelve pages", {"name": "test", "sections": {"images": {"min_side": 7}}})
    head = front_matter(text)
    assert head["pretty_name"] == "Twelve pages"
    assert head["language"] == ["en"]
    assert head["size_categories"] == ["n<1K"]
    assert head["dataset_info"]["splits"] == [{"name": "train", "num_examples": 12}]
    assert text.count("# Twelve pages\n") == 1
    for line in (
        "12 web documents as texts and images in page order, 16 images, in 3 WebDataset shards.",
        "16 of 16 images were scored for nudity",
        "| hosts | 4 |",
        "| en | 12 |",
        "0 of 12 documents name one.",
        "recipe `test@0123456789abcdef`.",
        '"min_side": 7',
    ):
        assert line in text


@pytest.mark.parametrize(
    ("sections", "said"),
    [
        ({}, "nor images whose robots.txt or headers forbid it."),
        ({"fetch": {"respect_robots": False}}, "**robots.txt was not asked for images**"),
        ({"fetch": {"engine": "img2dataset"}}, "**robots.txt was not asked for images**"),
        ({"fetch": {"opt_out_directives": ["noai"]}}, "nor images whose robots.txt or headers say noai."),
        ({"personal_data": {"mask": []}}, "**Personal data in texts is not masked**"),
        ({"personal_data": {"mask": ["ip_address"]}}, "* ip address in texts are masked"),
    ],
)
def test_the_policy_of_the_recipe_is_stated_not_the_default(sound, sections, said):
    assert said in card(Place(sound), "T", {"name": "test", "sections": sections})


def test_a_recipe_without_a_safety_model_is_stated_first(sound):
    text = card(Place(sound), "T", {"name": "test", "sections": {"nsfw": {"model": "none"}}})
    after = text.partition("## Safety and consent\n\n")[2]
    assert after.startswith("* **No model looked at the images for nudity**")


def test_documents_of_a_released_corpus_are_named_before_consent(make_page, make_shards, tmp_path):
    rows = [make_page(f"http://a.example/{n}", [(f"http://a.example/{n}.png", n)]) for n in range(2)]
    assert "released corpus" not in card(Place(make_shards(tmp_path / "ours", rows)), "T")
    rows[0] |= {"fetched_at": datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)}
    text = card(Place(make_shards(tmp_path / "mixed", rows)), "T")
    assert text.index("**1 documents are of a released corpus**") < text.index("* Pages that say noai")


def test_what_a_page_says_cannot_break_out_of_its_cell(make_page, make_shards, tmp_path):
    row = make_page("http://a.example/", [("http://a.example/1.png", 1)])
    row["licence"] = "http://l.example/|<script>`x`\n# head"
    text = card(Place(make_shards(tmp_path / "s", [row], shards=1)), "T")
    assert "<script>" not in text
    assert "\n# head" not in text
    assert "1 of 1 documents name one." in text


@pytest.mark.parametrize("images", [0, 3])
def test_the_front_matter_gives_datasets_the_features_of_the_manifest(images):
    datasets = pytest.importorskip("datasets")
    spelt = features(images)
    assert datasets.Features._from_yaml_list(yaml_features(spelt)) == datasets.Features.from_dict(spelt)
