"""Takedown in a folder of shards, down to the bytes; what of it happens in the tables of a run is tested in
tests/integration/test_forget.py."""

from __future__ import annotations

import hashlib
import json
import tarfile

import pyarrow.parquet as pq
import pytest

from pipeline.shards import changes as changing
from pipeline.shards.changes import Changes
from pipeline.shards.forget import forget
from pipeline.shards.place import Place
from pipeline.shards.prove_forgotten import remains
from pipeline.shards.recut import Source, recut
from pipeline.shards.verify import verify
from pipeline.shards.views import pairs
from pipeline.tombstones import load, read_any
from schemas.errors import InputError

PAGE, IMAGE = "https://www.b.example/x?y=1", "http://img.example/1.png"


@pytest.fixture
def lists(tmp_path):
    """Write a list; gives (path, kind)."""

    def write(kind, *entries):
        path = tmp_path / f"{kind}s.txt"
        path.write_text("\n".join(entries) + "\n")
        return path, kind

    return write


def is_sound(folder):
    return not verify(Place(folder), workers=1).findings.counts


def members(folder):
    found = {}
    for path in sorted(folder.glob("*.tar")):
        with tarfile.open(path) as tar:
            found |= {member.name: tar.extractfile(member).read() for member in tar}
    return found


def test_a_page_goes_with_everything_that_only_it_holds(sound, lists, documents, digests):
    before, held = digests(sound), members(sound)
    key = next(key for key, d in documents(sound).items() if d["general_metadata"]["url"] == PAGE)
    gone = {name: data for name, data in held.items() if name.startswith(key)}
    assert len(gone) == 5
    taken = forget(sound, [lists("url", PAGE)], current={})
    assert (taken.shards.shards, taken.shards.documents, taken.shards.images) == (1, 1, 4)
    assert is_sound(sound)
    assert {**members(sound), **gone} == held
    everything = b"".join(path.read_bytes() for path in sound.rglob("*") if path.is_file())
    assert PAGE.encode() not in everything
    assert not any(data in everything for data in gone.values())
    changed = {name for name, digest in digests(sound).items() if before.get(name) != digest}
    number = int(key, 16) * 3 >> 128
    assert {name for name in changed if name.startswith("weft-")} == {
        f"weft-{number:06d}.tar",
        f"weft-{number:06d}.idx.parquet",
    }


def test_an_image_goes_from_every_document_that_shows_it_and_so_do_its_copies(sound, lists, documents, draw):
    shows = [d for d in documents(sound).values() if IMAGE in json.dumps(d)]
    assert len(shows) == 2
    taken = forget(sound, [lists("url", IMAGE.replace("http:", "https:"))], current={})
    assert (taken.shards.documents, taken.shards.images) == (1, 2)  # one document had no other image
    assert is_sound(sound)
    left = documents(sound)
    assert len(left) == 11
    assert not any(IMAGE in json.dumps(document) for document in left.values())
    one = next(d for d in left.values() if d["general_metadata"]["url"] == "http://a.example/one")
    assert [name for name in one["images"] if name] == ["000.jpg"]
    assert len(one["similarity_matrix"]) == len(one["matched_text_index"]) == 1
    # The fetched bytes are known by their hash from now on, whatever URL brings them.
    assert load(sound).has_file(hashlib.sha256(draw(1)).hexdigest())


@pytest.mark.parametrize("where", ["pairs", "exports/pairs"])
def test_views_and_samples_under_the_folder_are_reached_and_stay_sound(sound, lists, documents, digests, where):
    made = sound / where
    source = Source(sound)
    recut(made, source.locations(), [source], target_bytes=40_000, change=pairs())
    (made / "README.md").write_text(f"made of {PAGE}\n")
    before, parts = digests(made), json.loads((made / "manifest.json").read_text())["num_shards"]
    assert parts > 1
    assert any(d["general_metadata"]["url"] == PAGE for d in documents(made).values())
    forget(sound, [lists("url", "http://a.example/two")], current={})
    assert is_sound(sound)
    assert is_sound(made)
    after = digests(made)
    assert "README.md" in after
    tars = {name for name in before if name.endswith(".tar")}
    assert 0 < len({name for name in tars if before[name] != after[name]}) < parts
    forget(sound, [lists("url", PAGE)], current={})
    assert "README.md" not in digests(made)
    assert not list(remains(sound, load(sound)))
    assert is_sound(made)


def test_a_host_stands_for_all_below_it_and_a_hash_for_a_file(sound, lists, draw):
    file = hashlib.sha256(draw(3)).hexdigest()
    taken = forget(sound, [lists("host", "b.example"), lists("hash", file)], current={})
    assert (taken.shards.documents, taken.shards.images) == (2, 5)
    assert is_sound(sound)
    assert not list(remains(sound, load(sound)))


def test_the_proof_finds_what_is_there_and_nothing_where_it_is_gone(sound, lists):
    path, kind = lists("url", PAGE, IMAGE)
    asked = read_any([path])
    found = [where for where, _ in remains(sound, asked)]
    assert found
    assert set(found) <= {f"weft-00000{n}.tar" for n in range(3)}
    (sound / "notes.txt").write_text(f"seen at {PAGE}, twice\n")
    (sound / "notes.json").write_text(json.dumps({"at": IMAGE}).replace("/", "\\/"))
    forget(sound, [(path, kind)], current={})
    assert [where for where, _ in remains(sound, asked)] == ["notes.json", "notes.txt"]


def test_an_address_in_the_text_of_another_page_goes_too(make_page, make_shards, tmp_path, lists, documents):
    rows = [
        make_page("http://a.example/1", [("http://img.example/9.png", 9)], f"Read {PAGE}, or {PAGE}2."),
        make_page(PAGE, [("http://img.example/8.png", 8)]),
    ]
    folder = make_shards(tmp_path / "two", rows, shards=1)
    forget(folder, [lists("url", PAGE)], current={})
    assert [d["texts"][0] for d in documents(folder).values()] == [f"Read <url>, or {PAGE}2."]
    assert is_sound(folder)


def test_what_is_not_there_changes_nothing_but_is_remembered(sound, lists, digests):
    before = digests(sound)
    taken = forget(sound, [lists("url", "http://nowhere.example/")], current={})
    assert (taken.shards.shards, taken.rows, taken.erased) == (0, {}, 0)
    assert {name: digest for name, digest in digests(sound).items() if name in before} == before
    assert load(sound).has_url("https://nowhere.example/")


def test_twice_is_as_good_as_once(sound, lists, digests):
    forget(sound, [lists("url", PAGE)], current={})
    before = {name: digest for name, digest in digests(sound).items() if name.startswith(("weft", "manifest"))}
    taken = forget(sound, [lists("url", PAGE)], current={})
    assert taken.shards.shards == 0
    assert {name: digest for name, digest in digests(sound).items() if name in before} == before


def test_a_list_that_is_wrong_and_a_shard_that_is_cut_are_named_and_nothing_happens(sound, lists, digests, tmp_path):
    before = digests(sound)
    with pytest.raises(InputError, match=r"urls.txt:1: "):
        forget(sound, [lists("url", "no url")], current={})
    with pytest.raises(InputError, match="no entries"):
        forget(sound, [lists("url", "# nothing")], current={})
    with pytest.raises(InputError, match="neither shards nor a run"):
        forget(tmp_path / "empty", [lists("url", PAGE)], current={})
    assert digests(sound) == before
    for path in sound.glob("weft-*.tar"):
        path.write_bytes(path.read_bytes()[:-1024])
    before = {path.name: path.read_bytes() for path in sound.glob("weft-*")}
    with pytest.raises(InputError, match="tar_cut"):
        forget(sound, [lists("url", PAGE)], current={})
    assert {path.name: path.read_bytes() for path in sound.glob("weft-*")} == before
    assert not [path for path in sound.iterdir() if path.name.startswith(".")]


@pytest.mark.parametrize("done", [0, 1, 2, 3])
def test_a_takedown_that_is_killed_in_the_middle_is_finished_by_the_next(sound, lists, monkeypatch, done):
    """Killed after `done` of its renames; the manifest then speaks of other tars than those that stand there."""

    class Killed(Exception):
        pass

    carried_out = changing.finish

    def killed(root, folder):
        listed = json.loads((folder / changing.NAME).read_text())
        for draft, final in listed["renames"][:done]:
            (root / draft).replace(root / final)
        raise Killed

    monkeypatch.setattr(
        changing, "finish", lambda _root, folder: (folder / changing.NAME).exists() and killed(_root, folder)
    )
    with pytest.raises(Killed):
        forget(sound, [lists("url", PAGE)], current={})
    monkeypatch.setattr(changing, "finish", carried_out)
    said = []
    forget(sound, [lists("url", PAGE)], current={}, say=said.append)
    assert said[0] == "an interrupted takedown was finished first"
    assert is_sound(sound)
    assert not list(remains(sound, load(sound)))


def test_changes_that_were_never_written_down_leave_everything_as_it_was(tmp_path):
    (tmp_path / "a").write_text("old")
    changes = Changes(root=tmp_path)
    changes.write(tmp_path / "a", b"new")
    changes.abandon()
    assert [path.name for path in tmp_path.iterdir()] == ["a"]
    assert (tmp_path / "a").read_text() == "old"


@pytest.mark.parametrize("kept", [0, 1])
def test_a_stale_index_does_not_hide_a_document(sound, lists, kept):
    for path in sound.glob("*.parquet"):
        table = pq.read_table(path)
        pq.write_table(table.slice(0, kept), path)
    forget(sound, [lists("url", PAGE)], current={})
    assert not list(remains(sound, load(sound)))
