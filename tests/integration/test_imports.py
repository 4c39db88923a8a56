"""Released corpora through the whole flow: imported, put into an object store, read from there, filtered, published
there; the store refuses requests now and then.
"""

from __future__ import annotations

import base64
import io
import json
import os
import subprocess
import sys
import tarfile
from pathlib import Path

import fsspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image, ImageDraw

from jobs.cli import main
from pipeline.shards.place import shards_place
from pipeline.shards.recut import Source
from pipeline.shards.verify import verify

pytestmark = [pytest.mark.spark, pytest.mark.slow, pytest.mark.timeout(1800)]

WORDS = (
    "Pour boiling water over the leaves of pot number {0}, wait for {1} minutes, and taste the tea before they come."
)


def picture(number: int) -> Image.Image:
    """A picture of its own, not flat."""
    made = Image.new("RGB", (220, 180), (number * 53 % 256, 120, 200 - number * 17 % 200))
    draw = ImageDraw.Draw(made)
    for step in range(12):
        at = (number * 37 * (step + 1)) % 180, (number * 61 * (step + 3)) % 150
        draw.ellipse(
            (*at, at[0] + 15 + step * 3, at[1] + 10 + number * step % 60), fill=(step * 20, number * 29 % 256, 60)
        )
    return made


def encoded(number: int, kind: str, **options: object) -> bytes:
    out = io.BytesIO()
    picture(number).save(out, kind, **options)
    return out.getvalue()


def sentences(start: int) -> list[str]:
    return [WORDS.format(start + n, start + n + 3) for n in range(8)]


def mmc4(folder: Path) -> None:
    packed = base64.b64encode(encoded(1, "JPEG")).decode()
    shown = [
        {"image_name": "a.jpg", "raw_url": "http://m.example/a.jpg", "matched_text_index": 4, "image_base64": packed},
        {"image_name": "b.jpg", "raw_url": "http://m.invalid/b.jpg", "matched_text_index": 6},
    ]
    row = {"url": "http://m.example/tea", "text_list": sentences(10), "image_info": shown, "similarity_matrix": []}
    (folder / "docs_shard_0_v2.jsonl").write_text(json.dumps(row) + "\n")


def mint1t(folder: Path) -> None:
    tiff = encoded(2, "TIFF", save_all=True, append_images=[picture(3)])
    texts = [" ".join(sentences(30)), None, " ".join(sentences(50)), None]
    body = {
        "url": "http://p.example/tea.pdf",
        "texts": texts,
        "images": [None, "page_0_image_1", None, "page_1_image_2"],
    }
    with tarfile.open(folder / "pdf.tar", "w") as tar:
        for name, data in (("abc.json", json.dumps(body).encode()), ("abc.tiff", tiff)):
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))


def img2dataset(folder: Path) -> None:
    row = {"url": "http://i.example/4.jpg", "caption": " ".join(sentences(70)), "key": "000000000", "status": "success"}
    pq.write_table(pa.Table.from_pylist([row | {"jpg": encoded(4, "JPEG")}]), folder / "00000.parquet")


@pytest.mark.filterwarnings("ignore")
def test_three_corpora_become_shards_in_an_object_store(bucket, tmp_path):
    for kind, make in (("mmc4", mmc4), ("mint1t", mint1t), ("img2dataset", img2dataset)):
        (tmp_path / kind).mkdir()
        make(tmp_path / kind)
        assert main(["import", kind, str(tmp_path / kind), "--out", str(tmp_path / "archives")]) == 0
    archives = sorted((tmp_path / "archives").glob("*.warc.gz"))
    assert [path.name for path in archives] == [
        "00000.img2dataset.warc.gz",
        "docs_shard_0_v2.mmc4.warc.gz",
        "pdf.mint1t.warc.gz",
    ]
    store, root = fsspec.filesystem("s3"), bucket.url.removesuffix("/set")
    for path in archives:
        store.put_file(str(path), f"{root}/in/{path.name}")
    bucket.refuse, bucket.refuse_reads = 2, 2
    settings = ("clip.model=none", "nsfw.model=none", "fetch.rounds=1", "text.rules=none", "read_warc.max_wait_s=60")
    command = [sys.executable, "-m", "jobs.cli", "run", "--recipe", "tiny", "--in", f"{root}/in/", "--out", bucket.url]
    command += ["--work", str(tmp_path / "work"), "--master", "local[2]", "--no-report"]
    command += [part for setting in settings for part in ("--set", setting)]
    done = subprocess.run(command, capture_output=True, text=True, env=os.environ, timeout=1500, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert (bucket.refuse, bucket.refuse_reads) == (0, 0)
    place = shards_place(bucket.url)
    assert not verify(place, workers=1).findings.counts
    source = Source(place.root)
    found = {d["general_metadata"]["url"]: d for d in map(source.read_json, source.locations())}
    assert set(found) == {"http://m.example/tea", "http://p.example/tea.pdf", "http://i.example/4.jpg"}
    order = {url: [role == "image" for role in document["roles"]] for url, document in found.items()}
    assert order["http://m.example/tea"] == [False, True, False, False]  # what nobody answers is left out
    assert order["http://p.example/tea.pdf"] == [False, True, False, True]
    assert order["http://i.example/4.jpg"] == [True, False]
    assert found["http://i.example/4.jpg"]["metadata"][0]["alt"] == " ".join(sentences(70))
    assert found["http://p.example/tea.pdf"]["metadata"][1]["url"].startswith("data:sha256,")
