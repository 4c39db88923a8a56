"""weft show: documents of shards in the terminal."""

from __future__ import annotations

import json

import pytest

from pipeline.shard_files import ShardFile


def document(number):
    page = {"title": f"Page {number}", "url": f"http://x/{number}", "language": "en", "language_score": 0.9}
    page |= {"num_words": 1234, "warc_filename": "a.warc.gz", "warc_record_offset": 5678}
    image = {"width": 40, "height": 30, "clip_score": 0.25, "alt": "a cat", "caption": None, "url": "http://x/c.jpg"}
    return {
        "texts": ["Head", None, "One line\nand another", "x = 1", "item"],
        "images": [None, "000.jpg", None, None, None],
        "roles": ["heading2", "image", "paragraph", "code", "list_item"],
        "metadata": [None, image, None, None, None],
        "matched_text_index": [2],
        "general_metadata": page,
    }


@pytest.fixture
def out(tmp_path):
    """Five documents in two shards, as a run leaves them."""
    folder = tmp_path / "out" / "shards"
    folder.mkdir(parents=True)
    for shard, numbers in enumerate([(0, 1, 2), (3, 4)]):
        file = ShardFile(folder, f"weft-{shard:06d}", "attempt")
        for number in numbers:
            made = document(number)
            file.add(f"{number}" * 32, json.dumps(made).encode(), made, [("000.jpg", b"\xff\xd8")])
        file.close()
    (folder / "manifest.json").write_text("{}")
    return tmp_path / "out"


def test_a_document_is_shown_as_a_reader_of_the_page_meets_it(weft, out):
    done = weft("show", out, "333")
    assert done.code == 0
    assert done.out.splitlines() == [
        "=" * 100,
        "Page 3",
        "http://x/3  en 0.9  1,234 words",
        f"{'3' * 32}  a.warc.gz at 5,678",
        "",
        "",
        "## Head",
        "  [000.jpg  40 x 30, CLIP 0.25]  a cat",
        "  http://x/c.jpg",
        "One line",
        "and another",
        "    x = 1",
        "* item",
    ]


def test_as_many_as_asked_for_are_drawn_and_the_same_ones_for_the_same_seed(weft, out):
    def keys(*arguments):
        said = weft("show", out, "--json", *arguments).out
        return [line for line in said.splitlines() if line.startswith(' "key"')]

    assert len(keys("-n", 2)) == 2
    assert len(set(keys("-n", 99))) == 5
    assert keys("-n", 2, "--seed", 1) == keys("-n", 2, "--seed", 1)
    assert any(keys("-n", 2, "--seed", n) != keys("-n", 2, "--seed", 1) for n in range(2, 9))


def test_damage_is_named_with_what_tells_more(weft, out):
    for path in (out / "shards").glob("*.tar"):
        path.write_bytes(b"\0" * path.stat().st_size)
    done = weft("show", out)
    assert (done.code, done.err.count("\n")) == (2, 1)
    assert ".tar is damaged: " in done.err
    assert "weft verify says more" in done.err
    (out / "shards" / "weft-000001.idx.parquet").write_bytes(b"PAR1")
    done = weft("show", out)
    assert (done.code, done.err.count("\n")) == (2, 1)
    assert "weft-000001.idx.parquet is damaged: " in done.err


def test_the_folder_of_shards_itself_will_do_and_an_unknown_id_will_not(weft, out):
    assert "Page 4" in weft("show", out / "shards", "4").out
    done = weft("show", out, "f")
    assert (done.code, done.out) == (2, "")
    assert "holds no such document" in done.err
