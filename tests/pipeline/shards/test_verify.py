"""Every kind of damage that the list of faults names is planted into sound shards, and found as what it is."""

from __future__ import annotations

import io
import json
import shutil
import subprocess
import sys
import tarfile

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from pipeline.commits import Commit, StepFolder
from pipeline.shards.check_document import Options
from pipeline.shards.place import Place
from pipeline.shards.reindex import reindex
from pipeline.shards.verify import verify
from schemas.shard_faults import ShardFault as F


def faults(folder, **options):
    return dict(verify(Place(folder), Options(**options), workers=1).findings.counts)


def fullest(folder):
    """The tar that holds most documents."""
    return max(folder.glob("*.tar"), key=lambda path: path.stat().st_size)


def members_of(path):
    with tarfile.open(path) as tar:
        return [(info, tar.extractfile(info).read()) for info in tar]


def rewrite(path, members):
    """Write the tar anew from (TarInfo, data); manifest and index stay as they are."""
    with tarfile.open(path, "w", format=tarfile.USTAR_FORMAT) as tar:
        for info, data in members:
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    data = path.read_bytes()
    end = data.rstrip(b"\0")
    path.write_bytes(end + bytes(-len(end) % 512) + bytes(1024))  # tarfile pads to 10 kB


def change_json(folder, change):
    """Change the JSON of the first document that has two images or more."""
    for path in sorted(folder.glob("*.tar")):
        members = members_of(path)
        for place, (info, data) in enumerate(members):
            if info.name.endswith(".json") and data.count(b'"image"') >= 2:
                document = json.loads(data)
                change(document)
                members[place] = (info, json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode())
                rewrite(path, members)
                return
    raise AssertionError("no such document")


def change_image(folder, change):
    path = fullest(folder)
    members = members_of(path)
    place = next(n for n, (info, _) in enumerate(members) if info.name.endswith(".jpg"))
    members[place] = (members[place][0], change(members[place][1]))
    rewrite(path, members)


def change_members(folder, change):
    path = fullest(folder)
    members = members_of(path)
    change(members)
    rewrite(path, members)


def change_manifest(folder, change):
    path = folder / "manifest.json"
    manifest = json.loads(path.read_text())
    change(manifest)
    path.write_text(json.dumps(manifest))


def change_index(folder, change):
    path = fullest(folder)
    path = path.with_name(path.stem + ".idx.parquet")
    table = pq.read_table(path)
    rows = table.to_pylist()
    change(rows)
    pq.write_table(pa.Table.from_pylist(rows, schema=table.schema), path)


def image_facts(document):
    return next(facts for facts in document["metadata"] if facts)


def cut(folder):
    path = fullest(folder)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def cut_at_header(folder):
    path = fullest(folder)
    path.write_bytes(path.read_bytes()[:-1024])


def flip(folder):
    path = fullest(folder)
    data = bytearray(path.read_bytes())
    data[0] ^= 1  # a letter of the first member's name: the header's own checksum no longer fits
    path.write_bytes(data)


def append(folder):
    path = fullest(folder)
    path.write_bytes(path.read_bytes() + b"\0" * 512)


def swap_documents(folder):
    def change(members):
        keys = [info.name.partition(".")[0] for info, _ in members]
        first = [pair for pair, key in zip(members, keys, strict=True) if key == keys[0]]
        rest = [pair for pair, key in zip(members, keys, strict=True) if key != keys[0]]
        members[:] = rest + first

    change_members(folder, change)


def double_document(folder):
    def change(members):
        members += [pair for pair in members if pair[0].name.startswith(members[0][0].name[:32])]

    change_members(folder, change)


def swap_tars(folder):
    first, second = (folder / f"weft-00000{n}.tar" for n in (0, 1))
    held = first.read_bytes()
    first.write_bytes(second.read_bytes())
    second.write_bytes(held)


def older_index(folder):
    """The index of a tar that was written anew since."""
    before = {path.name: path.read_bytes() for path in folder.glob("*.parquet")}
    change_json(folder, lambda d: d["texts"].__setitem__(0, d["texts"][0] + " And more."))
    reindex(Place(folder))
    for name, data in before.items():
        (folder / name).write_bytes(data)


def drop_last_image(document):
    place = max(number for number, role in enumerate(document["roles"]) if role == "image")
    for column in ("texts", "images", "roles", "metadata"):
        document[column].pop(place)


def progressive(data):
    out = io.BytesIO()
    Image.open(io.BytesIO(data)).save(out, "JPEG", progressive=True)
    return out.getvalue()


def larger(data):
    out = io.BytesIO()
    Image.open(io.BytesIO(data)).resize((333, 222)).save(out, "JPEG")
    return out.getvalue()


def rename_key(folder):
    def change(members):
        for info, _ in members:
            if info.name.startswith(members[0][0].name[:32]):
                info.name = "Z" + info.name[1:]

    change_members(folder, change)


DAMAGES = {
    "manifest: absent": (lambda f: (f / "manifest.json").unlink(), F.MANIFEST_UNREADABLE),
    "manifest: no JSON": (lambda f: (f / "manifest.json").write_text("{"), F.MANIFEST_UNREADABLE),
    "manifest: a key of another type": (
        lambda f: change_manifest(f, lambda m: m.update(num_shards="3")),
        F.MANIFEST_UNREADABLE,
    ),
    "manifest: a shard struck off": (lambda f: change_manifest(f, lambda m: m["shards"].pop()), F.MANIFEST_SHARDS),
    "manifest: totals": (lambda f: change_manifest(f, lambda m: m["totals"].update(words=1)), F.TOTALS),
    "manifest: features of fewer images": (
        lambda f: change_manifest(f, lambda m: m["features"].pop("003.jpg")),
        F.FEATURES,
    ),
    "manifest: of another recipe": (
        lambda f: change_manifest(f, lambda m: m["recipe"].update(fingerprint="f" * 16)),
        F.RECIPE,
    ),
    "a tar too many": (lambda f: shutil.copy(f / "weft-000000.tar", f / "weft-000003.tar"), F.STRAY_FILE),
    "a tar too few": (lambda f: fullest(f).unlink(), F.TAR_MISSING),
    "a tar cut in the middle": (cut, F.TAR_CUT),
    "a tar without its end": (cut_at_header, F.TAR_CUT),
    "a bit of a header flipped": (flip, F.TAR_HEADER),
    "bytes after the end": (append, F.TAR_TAIL),
    "tars that changed places": (swap_tars, F.KEY_RANGE),
    "a time in a header": (
        lambda f: change_members(f, lambda m: setattr(m[0][0], "mtime", 1)),
        F.MEMBER_HEADER,
    ),
    "images before their JSON": (lambda f: change_members(f, lambda m: m.insert(0, m.pop(1))), F.MEMBER_ORDER),
    "documents out of order": (swap_documents, F.KEY_ORDER),
    "a document twice": (double_document, F.KEY_TWICE),
    "a key that is none": (rename_key, F.KEY_NAME),
    "the JSON of another document": (
        lambda f: change_json(f, lambda d: d["general_metadata"].update(url="http://a.example/other")),
        F.KEY_DOCUMENT,
    ),
    "no JSON": (
        lambda f: change_members(f, lambda m: m.__setitem__(0, (m[0][0], b'{"texts": NaN}'))),
        F.JSON_UNREADABLE,
    ),
    "a key of the JSON gone": (lambda f: change_json(f, lambda d: d.pop("roles")), F.JSON_SCHEMA),
    "a number for a string": (
        lambda f: change_json(f, lambda d: d["general_metadata"].update(language=7)),
        F.JSON_SCHEMA,
    ),
    "a null where none may be": (lambda f: change_json(f, lambda d: image_facts(d).update(phash=None)), F.JSON_SCHEMA),
    "a key too many": (lambda f: change_json(f, lambda d: d.update(more=1)), F.JSON_SCHEMA),
    "lists of other lengths": (lambda f: change_json(f, lambda d: d["roles"].append("paragraph")), F.LISTS),
    "a node that is both": (
        lambda f: change_json(f, lambda d: d["texts"].__setitem__(d["roles"].index("image"), "x")),
        F.LISTS,
    ),
    "images out of order": (
        lambda f: change_json(f, lambda d: d.update(images=[n and f"00{4 - int(n[:3])}.jpg" for n in d["images"]])),
        F.LISTS,
    ),
    "a matched text that is an image": (
        lambda f: change_json(f, lambda d: d.update(matched_text_index=[d["roles"].index("image")] * 9)),
        F.SCORES,
    ),
    "an image that the tar lacks": (
        lambda f: change_members(f, lambda m: m.pop(next(n for n, p in enumerate(m) if p[0].name.endswith(".jpg")))),
        F.IMAGE_MISSING,
    ),
    "an image that the JSON lacks": (lambda f: change_json(f, drop_last_image), F.IMAGE_UNNAMED),
    "a byte of an image": (lambda f: change_image(f, lambda b: b[:-40] + b"\x55" + b[-39:]), F.IMAGE_CHECKSUM),
    "a larger image": (lambda f: change_image(f, larger), F.IMAGE_SIZE),
    "a comment in an image": (
        lambda f: change_image(f, lambda b: b[:2] + b"\xff\xfe\x00\x06gps!" + b[2:]),
        F.IMAGE_FORMAT,
    ),
    "a progressive image": (lambda f: change_image(f, progressive), F.IMAGE_FORMAT),
    "a PNG": (lambda f: change_image(f, lambda b: b"\x89PNG\r\n\x1a\n" + b), F.IMAGE_FORMAT),
    "an index too few": (lambda f: (f / "weft-000000.idx.parquet").unlink(), F.INDEX_MISSING),
    "an index that is none": (lambda f: (f / "weft-000000.idx.parquet").write_bytes(b"PAR1"), F.INDEX_UNREADABLE),
    "an index with other columns": (
        lambda f: pq.write_table(pa.table({"key": ["0"]}), f / "weft-000000.idx.parquet"),
        F.INDEX_UNREADABLE,
    ),
    "an index that lacks a document": (lambda f: change_index(f, lambda rows: rows.pop()), F.INDEX_KEYS),
    "an offset of the index": (
        lambda f: change_index(f, lambda rows: rows[0]["members"][0].update(offset=513)),
        F.INDEX_MEMBERS,
    ),
    "an index older than its tar": (older_index, F.INDEX_MEMBERS),
    "a node of the index": (
        lambda f: change_index(f, lambda rows: rows[0]["nodes"][0].update(num_bytes=1)),
        F.INDEX_NODES,
    ),
    "a count of the manifest": (
        lambda f: change_manifest(f, lambda m: m["shards"][0].update(images=99)),
        F.COUNTS,
    ),
    "a checksum of the manifest": (
        lambda f: change_manifest(f, lambda m: m["shards"][0].update(sha256="0" * 64)),
        F.TAR_CHECKSUM,
    ),
}


@pytest.mark.parametrize("name", DAMAGES)
def test_damage_is_found_as_what_it_is(name, sound):
    plant, fault = DAMAGES[name]
    assert faults(sound, decode=False) == {}
    plant(sound)
    assert fault in faults(sound, decode=False)


def test_every_kind_of_fault_that_is_about_shards_has_its_damage():
    # Decoding, books and forgetting have tests of their own below and in test_forget.
    elsewhere = {F.IMAGE_UNDECODABLE, F.BOOKS, F.FORGOTTEN}
    assert {fault for _, fault in DAMAGES.values()} | elsewhere == set(F)


def test_an_image_that_cannot_be_decoded_is_found_by_decoding_it(sound):
    def spoil(data):
        """Take its quantisation tables away: the other markers are all in order."""
        while (at := data.find(b"\xff\xdb")) >= 0:
            data = data[:at] + data[at + 2 + int.from_bytes(data[at + 2 : at + 4], "big") :]
        return data

    change_image(sound, spoil)
    assert F.IMAGE_UNDECODABLE not in faults(sound, decode=False)
    assert F.IMAGE_UNDECODABLE in faults(sound)


def test_original_images_may_be_of_any_format(sound):
    change_image(sound, lambda data: data[:2] + b"\xff\xfe\x00\x06gps!" + data[2:])
    assert F.IMAGE_FORMAT not in faults(sound, original=True)


@pytest.mark.slow
def test_shards_read_at_once_give_the_same(sound):
    cut(sound)
    one, two = (verify(Place(sound), workers=workers) for workers in (1, 2))
    assert one == two
    assert one.findings.counts[F.TAR_CUT] == 1


def report(entries, totals, fingerprint="0123456789abcdef"):
    return {
        "recipe": {"name": "test", "fingerprint": fingerprint},
        "steps": entries,
        "joins": [],
        "totals": totals,
    }


def test_a_report_that_speaks_of_other_shards_is_found(sound):
    totals = json.loads((sound / "manifest.json").read_text())["totals"]
    entry = {"step": "shards", "unit": "document", "in": 13, "out": 12, "dropped": {"no_images": 1}}
    folder = sound.parent / "report"
    folder.mkdir()
    path = folder / "report.json"
    path.write_text(json.dumps(report([entry], totals)))
    assert faults(sound, decode=False) == {}
    for wrong in (
        report([entry | {"in": 14}], totals),
        report([entry | {"in": 14, "out": 13}], totals),
        report([entry], totals | {"tokens": 1}),
        report([entry], totals, fingerprint="f" * 16),
        {},
    ):
        path.write_text(json.dumps(wrong))
        assert set(faults(sound, decode=False)) == {F.BOOKS}


def test_a_manifest_of_another_run_is_found_by_the_commit_records(sound, make_shards, make_page):
    step = StepFolder(sound / "_work" / ("0" * 16))
    for entry in json.loads((sound / "manifest.json").read_text())["shards"]:
        step.commit(Commit(slice=entry["name"].removesuffix(".tar"), files=(), extra={"shard": entry}))
    assert faults(sound, decode=False) == {}
    other = make_shards(sound.parent / "other", [make_page("http://z.example/", [("http://z.example/1.png", 5)])])
    shutil.copy(other / "manifest.json", sound / "manifest.json")
    assert {F.BOOKS, F.TAR_CHECKSUM, F.COUNTS} <= set(faults(sound, decode=False))


@pytest.mark.slow
def test_the_independent_reader_agrees_on_sound_and_on_damaged_shards(sound, shared):
    def independent():
        command = [sys.executable, str(shared / "tools" / "check_shards.py"), str(sound)]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    assert independent().returncode == 0, independent().stdout
    assert faults(sound) == {}
    change_json(sound, lambda d: d["roles"].__setitem__(0, "banner"))
    assert independent().returncode == 1
    assert faults(sound, decode=False)[F.LISTS] == 1
