"""Shards as other people read them: documents with no, one and many images in mixed order, and no image lost."""

from __future__ import annotations

import datetime
import io
import json
import os
import shutil
import subprocess
import textwrap

import pytest
from PIL import Image

from benchmarks.peers.environment import is_made, python_of
from filters.images.shard_bytes import ShardImage, to_shard
from pipeline.sample_json import document_json, to_bytes
from pipeline.shard_files import ShardFile
from schemas.shard import PAGE_FIELDS, features, image_name
from vlm.loader import read_documents

COUNTS = [0, 0, 0, 1, 0, 0, 7, 0, 3, 1, 0, 12]


def picture(number: int) -> ShardImage:
    out = io.BytesIO()
    Image.new("RGB", (160 + number, 150), (number * 9 % 256, 90, 30)).save(out, "JPEG")
    made = to_shard(out.getvalue())
    assert isinstance(made, ShardImage)
    return made


def rows():
    """(key, row, images by node) of documents of which each has a text, then its images with a text after each."""
    for number, count in enumerate(COUNTS):
        nodes = [text_node("Once upon a time.")]
        for image in range(count):
            nodes += [image_node(f"http://a.example/{number}-{image}.jpg"), text_node(f"After image {image}.")]
        images = {1 + 2 * image: picture(100 * number + image) for image in range(count)}
        page = dict.fromkeys(PAGE_FIELDS)
        page |= {
            "url": f"http://a.example/{number}",
            "fetched_at": datetime.datetime(2024, 5, 18, 4, 10, 7, tzinfo=datetime.UTC),
            "language": "en",
            "language_score": 0.99,
            "num_words": 4,
            "num_tokens": 5,
            "tier": "",
        }
        matches = [
            {"node": node, "phash": "0" * 16, "similarity": None, "matched_node": None, "clip_score": None}
            | {"nsfw_score": 0.01, "num_faces": 0, "count_in_corpus": 1}
            for node in images
        ]
        yield f"{number:032x}", {**page, "nodes": nodes, "dropped_nodes": [], "matches": matches}, images


def text_node(text):
    return {"role": "paragraph", "text": text, "drop_reason": None}


def image_node(url):
    known = {"role": "image", "text": None, "image_url": url, "drop_reason": None}
    return known | dict.fromkeys(("alt", "title", "caption"))


@pytest.fixture(scope="module")
def shards(tmp_path_factory):
    folder = tmp_path_factory.mktemp("shards")
    file = ShardFile(folder, "weft-000000", "a")
    for key, row, images in rows():
        document = document_json(row, images, "test@0123456789abcdef")
        members = [(image_name(number), images[node].data) for number, node in enumerate(sorted(images))]
        file.add(key, to_bytes(document), document, members)
    entry = file.close()
    manifest = {
        "format": "weft",
        "schema_version": 1,
        "recipe": {"name": "test", "fingerprint": "0123456789abcdef"},
        "num_shards": 1,
        "shards": [entry],
        "totals": {"documents": len(COUNTS), "images": sum(COUNTS), "words": 0, "tokens": 0, "tokenizer": "none"},
        "features": features(file.max_images),
    }
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return folder


@pytest.mark.filterwarnings("ignore")
def test_hugging_face_datasets_with_our_features_loses_no_image(shards, tmp_path):
    datasets = pytest.importorskip("datasets")
    manifest = json.loads((shards / "manifest.json").read_text())
    found = datasets.load_dataset(
        "webdataset",
        data_files=[str(shards / "weft-000000.tar")],
        features=datasets.Features.from_dict(manifest["features"]),
        split="train",
        cache_dir=str(tmp_path),
    )
    assert len(found) == len(COUNTS)
    for sample, count in zip(found, COUNTS, strict=True):
        names = [name for name in sample["json"]["images"] if name is not None]
        assert len(names) == count
        assert [sample[name].size for name in names] == [
            (image["width"], image["height"]) for image in sample["json"]["metadata"] if image and image["url"]
        ]


@pytest.mark.filterwarnings("ignore")
def test_without_our_features_datasets_loses_images(shards, tmp_path):
    """Why the manifest spells the features out: if this ever fails, `datasets` has learnt to infer them."""
    datasets = pytest.importorskip("datasets")
    try:
        found = datasets.load_dataset(
            "webdataset", data_files=[str(shards / "weft-000000.tar")], split="train", cache_dir=str(tmp_path)
        )
        columns = found.column_names
    except (ValueError, datasets.exceptions.DatasetGenerationError):
        columns = []
    assert image_name(max(COUNTS) - 1) not in columns


def test_our_own_loader_reads_the_same(shards):
    read = list(read_documents(str(shards)))
    assert [len(document.images) for document in read] == COUNTS


@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
def test_plain_webdataset_reads_the_same(shards):
    wds = pytest.importorskip("webdataset")
    samples = list(wds.WebDataset(str(shards / "weft-000000.tar"), shardshuffle=False))
    assert [sum(name.endswith(".jpg") for name in sample) for sample in samples] == COUNTS


def answer_of(peer, code, *arguments):
    """What a script that runs in a peer's own environment prints as JSON; a visible skip where that is not there."""
    if not is_made(peer):
        pytest.skip(f"no environment of {peer}: python benchmarks/peers/environment.py {peer} makes it")
    command = [str(python_of(peer)), "-c", textwrap.dedent(code), *map(str, arguments)]
    quiet = {"PYTHONPATH": "", "CUDA_VISIBLE_DEVICES": "", "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        command, env={**os.environ, **quiet}, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout.splitlines()[-1])


WEBDATASET = """
    import json, sys
    import webdataset as wds
    found = []
    for sample in wds.WebDataset(sys.argv[1], shardshuffle=False, empty_check=False).decode("pil"):
        names = [name for name in sample["json"]["images"] if name is not None]
        found.append([sample["__key__"], [list(sample[name].size) for name in names]])
    print(json.dumps([wds.__version__, found]))
"""


@pytest.mark.slow
@pytest.mark.parametrize("peer", ["webdataset", "megatron-energon"])
def test_webdataset_1_reads_the_same(shards, peer):
    """The environment of Megatron-Energon has it too."""
    version, found = answer_of(peer, WEBDATASET, shards / "weft-000000.tar")
    assert version.startswith("1.")
    assert found == [
        [key, [[160 + n, 150] for n in range(100 * number, 100 * number + COUNTS[number])]]
        for number, (key, _, _) in enumerate(rows())
    ]


ENERGON = """
    import json, sys
    from pathlib import Path
    import megatron.energon as energon

    @energon.stateless
    def cook(sample):
        document = json.loads(sample["json"]) if isinstance(sample["json"], bytes) else sample["json"]
        nodes = zip(document["texts"], document["images"])
        media = [text if text is not None else sample[name] for text, name in nodes]
        sizes = [part if isinstance(part, str) else len(part) for part in media]
        return energon.InterleavedSample(**energon.basic_sample_keys(sample), sequence=sizes)

    class Encoder(energon.DefaultTaskEncoder):
        decoder = None
        cookers = [energon.Cooker(cook)]

        def batch(self, samples):
            return samples

    dataset = energon.get_val_dataset(
        sys.argv[1], split_part="train", batch_size=1, task_encoder=Encoder(),
        worker_config=energon.WorkerConfig(rank=0, world_size=1, num_workers=0),
    )
    found = {}
    for batch in energon.get_loader(dataset):
        for sample in batch:
            found[sample.__key__.rpartition("/")[2]] = sample.sequence
    print(json.dumps(found))
"""


@pytest.mark.slow
def test_megatron_energon_reads_the_same_after_its_own_prepare(shards, tmp_path):
    """Energon looks into the folder that it prepares, so it gets a copy of the tars."""
    if not is_made("megatron-energon"):
        pytest.skip("no environment of megatron-energon: python benchmarks/peers/environment.py megatron-energon")
    shutil.copy(shards / "weft-000000.tar", tmp_path)
    tool = python_of("megatron-energon").parent / "energon"
    options = ("--non-interactive", "--split-ratio", "1,0,0", "--sample-type", "CrudeWebdataset", "--num-workers", "1")
    done = subprocess.run(
        [tool, "prepare", tmp_path, *options], capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    found = answer_of("megatron-energon", ENERGON, tmp_path)
    expected = {}
    for key, row, images in rows():
        expected[key] = [
            node["text"] if node["text"] is not None else len(images[place].data)
            for place, node in enumerate(row["nodes"])
        ]
    assert found == expected
