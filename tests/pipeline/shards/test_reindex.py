import pytest

from pipeline.shards.place import Place
from pipeline.shards.reindex import reindex
from pipeline.shards.verify import verify
from schemas.errors import InputError


def test_indexes_and_manifest_come_back_byte_for_byte_from_the_tars(sound, digests):
    before = digests(sound)
    for path in [*sound.glob("*.parquet"), sound / "manifest.json"]:
        path.unlink()
    manifest = reindex(Place(sound))
    assert digests(sound) == before
    assert manifest["totals"]["documents"] == 12


def test_stale_indexes_are_mended(sound):
    for path in sound.glob("*.parquet"):
        path.write_bytes(b"")
    assert verify(Place(sound), workers=1).findings.counts
    reindex(Place(sound))
    assert not verify(Place(sound), workers=1).findings.counts


def cut(folder):
    path = max(folder.glob("*.tar"), key=lambda path: path.stat().st_size)
    path.write_bytes(path.read_bytes()[:-2000])


def mix(folder):
    """A tar of another set under a name of this one."""
    (folder / "weft-000001.tar").write_bytes((folder / "weft-000000.tar").read_bytes())


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (cut, "tar_cut"),
        (lambda folder: (folder / "weft-000001.tar").unlink(), "weft-000001.tar is missing"),
        (lambda folder: (folder / "weft-000002.tar").unlink(), "does not belong here"),
        (mix, "does not belong here"),
        (lambda folder: (folder / "weft-000000.tar").write_bytes(b"x" * 5000), "tar_header"),
    ],
)
def test_what_is_not_whole_is_named_and_nothing_is_written(sound, digests, spoil, said):
    spoil(sound)
    before = digests(sound)
    with pytest.raises(InputError, match=said):
        reindex(Place(sound))
    assert digests(sound) == before


def test_a_folder_without_tars_is_named(tmp_path):
    with pytest.raises(InputError, match="holds no tars"):
        reindex(Place(tmp_path))
