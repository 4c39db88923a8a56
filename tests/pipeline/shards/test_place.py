import io

import pytest

from pipeline.shards.place import Place, shards_place
from schemas.errors import InputError, OutputError


def test_a_local_folder_is_read_and_written_whole(tmp_path):
    place = Place(tmp_path / "new")
    place.make()
    place.put("a", b"one")
    place.put_file("b", io.BytesIO(b"two"))
    assert (place.read("a"), place.size("b"), place.size("c")) == (b"one", 3, None)
    assert place.names() == ["a", "b"]
    assert place.folder == tmp_path / "new"
    with place.open("b") as file:
        assert file.read() == b"two"


def test_a_remote_folder_is_not_listed_and_is_no_local_folder():
    place = Place("memory://bucket/shards")
    place.make()
    place.put("manifest.json", b"{}")
    assert (place.read("manifest.json"), place.names()) == (b"{}", None)
    assert shards_place("memory://bucket").root == "memory://bucket/shards"
    with pytest.raises(OutputError, match="not a local folder"):
        _ = place.folder


def test_an_address_that_nobody_knows_and_a_folder_without_shards_are_named(tmp_path):
    with pytest.raises(InputError, match="nowhere"):
        Place("nowhere://x")
    with pytest.raises(InputError, match="holds no shards"):
        shards_place(tmp_path)
