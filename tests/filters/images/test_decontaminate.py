import pytest

from filters.images.decontaminate import Config, fingerprint, hashes
from filters.images.measures import measure
from filters.images.near import Lookup
from filters.images.pdq import words
from schemas.errors import ConfigError, InputError


@pytest.fixture
def folder(tmp_path, drawn):
    """An evaluation set: two copies of a picture, a flat one, and a file that is no image."""
    (tmp_path / "part").mkdir()
    picture = drawn.draw(400, 300)
    (tmp_path / "a.png").write_bytes(drawn.encode(picture, "PNG"))
    (tmp_path / "part" / "b.png").write_bytes(drawn.encode(picture, "PNG"))
    (tmp_path / "flat.png").write_bytes(drawn.encode(picture.point(lambda _: 90), "PNG"))
    (tmp_path / "questions.json").write_text("[]")
    return tmp_path


def test_other_sizes_and_qualities_of_an_evaluation_image_are_found_and_other_pictures_not(folder, drawn):
    config = Config(folders=(str(folder),))
    known = hashes(config)
    assert known.shape == (1, 4), "one picture: copies are one, flat ones and other files are passed"
    lookup, picture = Lookup(known), drawn.draw(400, 300)
    for copy in (drawn.encode(picture, "JPEG", quality=60), drawn.encode(picture.resize((800, 600)), "PNG")):
        assert lookup.nearest(words([measure(copy).pdq])[0], config.radius) is not None
    other = drawn.encode(picture.transpose(1), "PNG")
    assert lookup.nearest(words([measure(other).pdq])[0], config.radius) is None


def test_no_folder_knows_nothing():
    assert hashes(Config()).shape == (0, 4)
    assert fingerprint(Config()) == "none"


def test_folders_count_by_content(folder, tmp_path_factory):
    copy = tmp_path_factory.mktemp("copy")
    for path in folder.rglob("*.*"):
        (copy / path.name).write_bytes(path.read_bytes())
    first = fingerprint(Config(folders=(str(folder),)))
    assert fingerprint(Config(folders=(str(copy),))) == first
    other = tmp_path_factory.mktemp("other")
    (other / "a.png").write_bytes((folder / "a.png").read_bytes())
    assert fingerprint(Config(folders=(str(other),))) != first


def test_a_folder_that_is_missing_or_empty_is_an_error(tmp_path):
    for given in (str(tmp_path / "gone"), str(tmp_path)):
        with pytest.raises(InputError, match="there is no"):
            hashes(Config(folders=(given,)))


@pytest.mark.parametrize("radius", [-1, 32])
def test_the_radius_is_bounded(radius):
    with pytest.raises(ConfigError, match="0 to 31"):
        Config(radius=radius)
