"""MINT-1T's tars: each frame of the TIFF in its place, pixels unchanged; tars and TIFFs that are cut."""

from __future__ import annotations

import io
import json
import tarfile

import pytest
from PIL import Image

from pipeline.imports.corpus import Imported, Rejected
from pipeline.imports.mint1t import documents

TEXTS = ["Abstract.", None, "Body.\n\nMore.", None, None]
NAMES = [None, "page_0_image_1", None, "page_1_image_2", "page_1_image_3"]


def tiff(*frames):
    out = io.BytesIO()
    frames[0].save(out, "TIFF", save_all=True, append_images=frames[1:])
    return out.getvalue()


@pytest.fixture
def tar(tmp_path):
    def write(*members):
        path = tmp_path / "shard.tar"
        with tarfile.open(path, "w") as out:
            for name, data in members:
                info = tarfile.TarInfo(name)
                info.size = len(data)
                out.addfile(info, io.BytesIO(data))
        return path

    return write


def document(url, texts=TEXTS, images=NAMES):
    return json.dumps({"url": url, "texts": texts, "images": images, "image_metadata": []}).encode()


def test_frames_stand_in_their_places_and_no_pixel_changes(tar, archived, draw):
    frames = [draw(1), draw(2, "L"), draw(3, "CMYK")]
    path = tar(("d/abc.json", document("http://a.example/p.pdf")), ("d/abc.tiff", tiff(*frames)))
    tally, pages, images = archived(documents(path))
    nodes = pages["http://a.example/p.pdf"]
    addresses = [node[0] for node in nodes if isinstance(node, tuple)]
    assert nodes == ["Abstract.", (addresses[0],), "Body.", "More.", (addresses[1],), (addresses[2],)]
    for address, frame in zip(addresses, frames, strict=True):
        back = Image.open(io.BytesIO(images[address]))
        assert back.convert("RGB").tobytes() == frame.convert("RGB").tobytes()
    assert tally.counts["images_with_bytes"] == 3


def test_frames_that_are_not_there_are_named_and_the_text_stays(tar, draw):
    short, none, cut = "http://a.example/1", "http://a.example/2", "http://a.example/3"
    members = [
        ("a.json", document(short)),
        ("a.tiff", tiff(draw(1))),
        ("b.json", document(none)),
        ("c.json", document(cut)),
        ("c.tiff", tiff(draw(1), draw(2), draw(3))[:60]),
    ]
    one, two, three = documents(tar(*members))
    assert one.missing == ["page_1_image_2", "page_1_image_3"]
    assert [len(item.images) for item in (one, two)] == [1, 0]
    assert [len(item.missing) for item in (two, three)] == [3, 3 - len(three.images)]
    assert all(sum("text" in node for node in item.nodes) == 3 for item in (one, two, three))


def test_what_is_no_document_is_named(tar, draw):
    members = [
        ("a.json", b"{"),
        ("b.json", document("http://a.example/", images=[None])),
        ("c.tiff", tiff(draw(1))),
        ("d.json", document("http://a.example/d", ["x"], [None])),
    ]
    found = list(documents(tar(*members)))
    assert [type(item) for item in found] == [Rejected, Rejected, Rejected, Imported]
    assert "1 images" in found[1].why


def test_a_tar_that_is_cut_keeps_what_stands_before(tar):
    path = tar(*[(f"{n:04d}.json", document(f"http://a.example/{n}", ["x" * 3000], [None])) for n in range(20)])
    path.write_bytes(path.read_bytes()[:41_000])
    *read, last = documents(path)
    assert len(read) >= 8
    assert all(isinstance(item, Imported) for item in read)
    assert isinstance(last, Rejected)
    assert "cannot be read to its end" in last.why
