import random

import pytest

from pipeline.shards.place import Place
from pipeline.shards.recut import Source, drawn, merged, num_shards, recut, write_unsorted
from pipeline.shards.verify import verify
from schemas.errors import InputError, OutputError


def is_sound(folder):
    return not verify(Place(folder), workers=1).findings.counts


def sources(*folders):
    return [Source(folder, number) for number, folder in enumerate(folders)]


def test_a_merge_is_what_one_run_over_all_documents_would_have_written(
    sound, make_page, make_shards, tmp_path, digests, documents
):
    more = [make_page(f"https://e.example/{n}", [(f"http://e.example/{n}.png", 60 + n)]) for n in range(5)]
    other = make_shards(tmp_path / "other", more, shards=2)
    both = sources(sound, other)
    manifest = recut(tmp_path / "merged", merged(both), both, target_bytes=10_000)
    assert manifest["num_shards"] > 3
    assert is_sound(tmp_path / "merged")
    assert documents(tmp_path / "merged") == {**documents(sound), **documents(other)}
    # The same documents cut by the writer itself: the same bytes.
    held = sources(tmp_path / "merged")
    recut(tmp_path / "again", held[0].locations(), held, target_bytes=10_000)
    assert digests(tmp_path / "again") == digests(tmp_path / "merged")


def test_shards_cut_anew_to_their_own_number_are_the_same_bytes(sound, tmp_path, digests):
    source = sources(sound)
    size = sum(at.num_bytes for at in source[0].locations())
    recut(tmp_path / "same", source[0].locations(), source, target_bytes=-(-size // 3))
    assert digests(tmp_path / "same") == digests(sound)


def test_a_document_of_several_folders_is_taken_from_the_first(sound, tmp_path, make_shards, make_page, documents):
    other = make_shards(tmp_path / "o", [make_page("https://c.example/", [("http://z.example/9.png", 9)])], shards=1)
    for order, drawn_from in (((sound, other), sound), ((other, sound), other)):
        found = sources(*order)
        out = tmp_path / drawn_from.name / "out" if drawn_from == other else tmp_path / "out"
        recut(out, merged(found), found, target_bytes=1 << 20)
        key = next(iter(documents(other)))
        assert documents(out)[key] == documents(drawn_from)[key]
        assert len(documents(out)) == 12


def test_recipes_of_a_merge_are_all_named_and_one_of_them_is_no_fault(sound, tmp_path, make_shards, make_page):
    page = make_page("https://f.example/", [("http://f.example/9.png", 9)])
    other = make_shards(tmp_path / "o", [page], shards=1, stamp="other@" + "f" * 16)
    found = sources(sound, other)
    manifest = recut(tmp_path / "out", merged(found), found, target_bytes=1 << 20)
    assert manifest["recipes"] == ["other@" + "f" * 16, "test@0123456789abcdef"]
    assert manifest["recipe"]["name"] == "mixed"
    assert is_sound(tmp_path / "out")


def test_a_sample_depends_on_keys_and_seed_alone(sound, tmp_path, documents):
    source = sources(sound)[0]
    everything = list(source.locations())
    one = drawn(everything, documents=5, seed=1)
    shuffled = random.Random(0).sample(everything, len(everything))
    assert drawn(shuffled, documents=5, seed=1) == one
    assert drawn(everything, documents=5, seed=2) != one
    assert len(drawn(everything, documents=99)) == 12
    assert drawn(everything, share=1.0) == everything
    assert drawn(everything, share=0.0) == []
    assert set(drawn(everything, documents=3, seed=1)) < set(one)  # a smaller sample is part of a larger one
    recut(tmp_path / "out", one, [source], target_bytes=1 << 20)
    assert set(documents(tmp_path / "out")) == {at.key for at in one}
    assert is_sound(tmp_path / "out")
    few = drawn(everything, wanted=lambda at: source.read_json(at)["general_metadata"]["url"].startswith("https://d."))
    assert len(few) == 8


def test_documents_that_come_in_any_order_are_written_in_theirs(sound, tmp_path):
    source = sources(sound)
    samples = [source[0].read(at) for at in source[0].locations()]
    shuffled = random.Random(0).sample(samples, len(samples))
    size = sum(sample.num_bytes for sample in samples)
    (tmp_path / "out").mkdir()
    write_unsorted(tmp_path / "out", [*shuffled, shuffled[0]], target_bytes=-(-size // 3))
    # (the key that came twice makes the estimate of the size larger by one document)
    assert is_sound(tmp_path / "out")
    assert {path.name for path in (tmp_path / "out").iterdir()} >= {"manifest.json"}
    assert not (tmp_path / "out" / ".spill").exists()


def test_a_folder_that_holds_something_and_an_index_that_does_not_fit_are_named(sound):
    source = sources(sound)
    with pytest.raises(OutputError, match="holds something already"):
        recut(sound, source[0].locations(), source, target_bytes=1)
    for place in (sound / "manifest.json", sound / "manifest.json" / "below"):
        with pytest.raises(OutputError, match="cannot be written"):
            recut(place, source[0].locations(), source, target_bytes=1)
    (sound / "weft-000001.idx.parquet").unlink()
    with pytest.raises(InputError, match="weft reindex"):
        list(source[0].locations())


def test_a_tar_that_is_not_what_its_index_says_is_named(sound, tmp_path):
    source = sources(sound)
    for path in sound.glob("*.tar"):
        path.write_bytes(b"\0" * path.stat().st_size)
    with pytest.raises(InputError, match="no document"):
        recut(tmp_path / "out", source[0].locations(), source, target_bytes=1 << 20)
    assert not list((tmp_path / "out").glob("*.json"))


@pytest.mark.parametrize(("size", "count"), [(0, 1), (1, 1), (10, 1), (11, 2), (10**18, 1_000_000)])
def test_the_number_of_shards_is_that_of_the_size(size, count):
    assert num_shards(size, 10) == count
