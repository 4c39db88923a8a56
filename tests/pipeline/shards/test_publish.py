"""Shards to another folder and to an object store (`bucket`), with requests that it refuses."""

from __future__ import annotations

import json

import pytest

from pipeline.shards import place as places
from pipeline.shards.place import Place, shards_place
from pipeline.shards.publish import NOTE, publish
from pipeline.shards.recut import Source
from pipeline.shards.reindex import reindex
from pipeline.shards.verify import verify
from schemas.errors import InputError, OutputError


def no_wait(_seconds: float) -> None:
    """Tests do not sleep."""


def test_a_copy_is_the_same_bytes_and_a_second_one_sends_nothing(sound, tmp_path, digests):
    source, target = Place(sound), Place(tmp_path / "copy")
    assert publish(source, target) == 6
    assert digests(tmp_path / "copy") == digests(sound)
    assert publish(source, target) == 0


def test_an_interrupted_copy_is_no_data_set_and_goes_on_where_it_was(sound, tmp_path, monkeypatch, digests):
    target = Place(tmp_path / "copy")
    put_file = Place.put_file
    sent: list[str] = []

    def breaking(self, name, source):
        if len(sent) == 3:
            raise KeyboardInterrupt
        sent.append(name)
        put_file(self, name, source)

    monkeypatch.setattr(Place, "put_file", breaking)
    with pytest.raises(KeyboardInterrupt):
        publish(Place(sound), target)
    assert not (tmp_path / "copy" / "manifest.json").exists()
    monkeypatch.setattr(Place, "put_file", put_file)
    assert publish(Place(sound), target) == 3
    assert digests(tmp_path / "copy") == digests(sound)


def test_only_what_changed_is_sent_again_and_no_reader_finds_a_manifest_meanwhile(tmp_path, make_page, make_shards):
    pages = [make_page(f"https://g.example/{n}", [(f"http://g.example/{n}.png", n)]) for n in range(20)]
    make_shards(tmp_path / "one", pages)
    make_shards(tmp_path / "two", pages[:-1])
    target = Place(tmp_path / "copy")
    publish(Place(tmp_path / "one"), target)
    assert publish(Place(tmp_path / "two"), target) in (2, 4, 6)
    assert publish(Place(tmp_path / "two"), target) == 0
    assert not verify(target, workers=1).findings.counts


def test_of_two_copies_to_one_place_the_first_stops_and_the_last_is_whole(
    tmp_path, make_page, make_shards, monkeypatch, digests
):
    pages = [make_page(f"https://g.example/{n}", [(f"http://g.example/{n}.png", n)]) for n in range(20)]
    make_shards(tmp_path / "one", pages)
    make_shards(tmp_path / "two", pages[:-1])
    target, put_file = Place(tmp_path / "copy"), Place.put_file

    def late(self, name, source):
        monkeypatch.setattr(Place, "put_file", put_file)
        put_file(self, name, source)
        assert publish(Place(tmp_path / "two"), target) == 6

    monkeypatch.setattr(Place, "put_file", late)
    with pytest.raises(OutputError, match=r"another copy to .*/copy began meanwhile"):
        publish(Place(tmp_path / "one"), target)
    assert digests(tmp_path / "copy") == digests(tmp_path / "two")
    assert publish(Place(tmp_path / "one"), target) > 0
    assert digests(tmp_path / "copy") == digests(tmp_path / "one")


@pytest.mark.parametrize("below", ["", "/below"])
def test_a_target_that_is_a_file_is_named(sound, tmp_path, below):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(OutputError, match=r"/file.* cannot be written: "):
        publish(Place(sound), Place(f"{tmp_path}/file{below}"))
    assert (tmp_path / "file").read_text() == "in the way"


def test_damage_is_not_published(sound, tmp_path):
    path = sound / "weft-000001.tar"
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    with pytest.raises(InputError, match=r"weft-000001\.tar is not the file of its manifest"):
        publish(Place(sound), Place(tmp_path / "copy"))
    assert not (tmp_path / "copy" / "weft-000001.tar").exists()
    path.unlink()
    with pytest.raises(InputError, match="is missing"):
        publish(Place(sound), Place(tmp_path / "copy"))


def test_what_a_target_never_takes_is_named(sound, tmp_path, monkeypatch):
    waited: list[float] = []

    def refuse(_self, _name, _source):
        raise OSError("503 Slow Down")

    monkeypatch.setattr(Place, "put_file", refuse)
    with pytest.raises(OutputError, match="in 6 tries: 503 Slow Down"):
        publish(Place(sound), Place(tmp_path / "copy"), wait=waited.append)
    assert waited == [1, 2, 4, 8, 16]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.slow
def test_an_object_store_takes_them_in_parts_refusing_now_and_then_and_gives_them_back(
    sound, bucket, tmp_path, monkeypatch, digests
):
    monkeypatch.setattr(places, "CHUNK", 5 << 20)  # the least that S3 takes for a part
    target = Place(bucket.url)
    bucket.refuse = 4
    assert publish(Place(sound), target, wait=no_wait) == 6
    assert bucket.refuse == 0
    assert target.size(NOTE) is None
    before = bucket.asked["list"]
    assert not verify(target, workers=1).findings.counts
    assert [at.key for at in Source(bucket.url).locations()] == [at.key for at in Source(sound).locations()]
    assert json.loads(target.read("manifest.json")) == json.loads((sound / "manifest.json").read_text())
    reindex(target)
    assert shards_place(bucket.url.removesuffix("/set") + "/set").root == bucket.url
    assert bucket.asked["list"] - before <= 12  # asked about single names, never for a listing of the bucket
    publish(target, Place(tmp_path / "back"))
    assert digests(tmp_path / "back") == digests(sound)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.slow
def test_a_large_file_goes_in_parts_and_a_refused_part_is_sent_again(bucket, monkeypatch, tmp_path):
    monkeypatch.setattr(places, "CHUNK", 5 << 20)
    path = tmp_path / "large"
    path.write_bytes(bytes(range(256)) * 50_000)  # 12.8 MB
    bucket.refuse = 2
    target = Place(bucket.url)
    with path.open("rb") as file:
        target.put_file("large", file)
    assert bucket.asked["part"] >= 3
    assert target.read("large") == path.read_bytes()
    target.delete("large")
    target.delete("large")
    assert target.size("large") is None
