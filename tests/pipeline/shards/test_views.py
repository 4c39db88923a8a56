import pytest

from filters.document_id import pair_key
from filters.text import tokens
from pipeline.shards.place import Place
from pipeline.shards.recut import Source, recut
from pipeline.shards.verify import verify
from pipeline.shards.views import often_said, pairs, texts_only


@pytest.fixture
def view(sound, tmp_path, documents):
    def make(change):
        source = Source(sound)
        manifest = recut(tmp_path / "view", source.locations(), [source], target_bytes=1 << 20, change=change)
        assert not verify(Place(tmp_path / "view"), workers=1).findings.counts
        return manifest, documents(tmp_path / "view")

    return make


def test_each_image_makes_a_pair_with_its_alt_text_and_one_with_its_caption(view, sound, documents):
    manifest, found = view(pairs())
    originals = documents(sound)
    images = sum(name is not None for d in originals.values() for name in d["images"])
    assert manifest["totals"]["images"] == len(found) == images + len(originals)  # the first of each has a caption
    for key, document in found.items():
        source = originals[document["extra"]["document"]]
        node, kind = document["extra"]["pair"]
        assert key == pair_key(document["extra"]["document"], node, kind)
        facts = source["metadata"][node]
        assert document["texts"] == [None, facts[kind]]
        assert document["metadata"][0]["sha256"] == facts["sha256"]
        assert document["extra"]["pair_scores"]["clip_score_with_matched_text"] == facts["clip_score"]
        assert document["general_metadata"]["num_tokens"] == tokens.load().count(facts[kind])
        assert document["recipe"] == source["recipe"]


def test_short_texts_and_low_scores_make_no_pair_and_an_unscored_image_does(view):
    _, found = view(pairs(min_words=2, min_score=0.31))
    assert {document["metadata"][0]["clip_score"] for document in found.values()} == {None}
    assert found  # of documents that were not scored
    assert all("a.example" not in document["general_metadata"]["url"] for document in found.values())
    assert {len(document["texts"][1].split()) for document in found.values()} == {2}


def test_what_stands_with_many_images_makes_no_pair_and_at_the_bound_it_does(view, sound, documents):
    shown = [facts for d in documents(sound).values() for facts in d["metadata"] if facts]
    first = sum(facts["alt"] == "picture 0" for facts in shown)
    assert (first, sum(facts["caption"] is not None for facts in shown)) == (12, 12)
    assert often_said(documents(sound).values(), 12) == frozenset()
    _, found = view(pairs(often=often_said(documents(sound).values(), 11)))
    assert {document["texts"][1] for document in found.values()} == {"picture 1", "picture 2", "picture 3"}


def test_case_and_blanks_do_not_make_a_text_another_and_an_image_counts_once():
    texts = [("A  Tree", "a tree"), ("a tree", None), ("a house", None)]
    said = [{"metadata": [None, {"alt": alt, "caption": caption}]} for alt, caption in texts]
    assert often_said(said, 2) == frozenset()
    assert len(often_said(said, 1)) == 1


def test_texts_stand_alone_under_the_key_of_their_document(view, sound, documents):
    manifest, found = view(texts_only)
    originals = documents(sound)
    assert found.keys() == originals.keys()
    assert manifest["totals"]["images"] == 0
    for key, document in found.items():
        assert document["texts"] == [text for text in originals[key]["texts"] if text is not None]
        assert document["general_metadata"] == originals[key]["general_metadata"]
