"""Shards with OBELICS's schema: read by Hugging Face `datasets`, imported again, forgotten in."""

from __future__ import annotations

import json

import pyarrow.parquet as pq
import pytest

from pipeline.imports.obelics import documents as as_published
from pipeline.imports.obelics import write_pointers
from pipeline.shards.export_obelics import SCHEMA, export, row
from pipeline.shards.forget import forget
from pipeline.shards.place import Place
from schemas.errors import OutputError


def test_texts_that_stand_together_are_one_and_lists_are_parallel(sound_document):
    _, document = sound_document
    document = document | {
        "texts": ["a", "b", None, None, "c"],
        "metadata": [None, None, document["metadata"][1], document["metadata"][1], None],
    }
    made = row(document)
    url = document["metadata"][2]["url"]
    assert made["texts"] == ["a\n\nb", None, None, "c"]
    assert made["images"] == [None, url, url, None]
    facts = json.loads(made["metadata"])
    assert [image and image["src"] for image in facts] == made["images"]
    assert list(facts[1])[:10] == [
        "document_url",
        "unformatted_src",
        "src",
        "formatted_filename",
        "alt_text",
        "rendered_width",
        "rendered_height",
        "original_width",
        "original_height",
        "format",
    ]
    assert facts[1]["alt_text"] == "picture 0"
    assert list(json.loads(made["general_metadata"]))[:4] == [
        "url",
        "warc_filename",
        "warc_record_offset",
        "warc_record_length",
    ]


def test_every_document_is_there_once_and_a_file_stands_for_each_shard(sound, tmp_path, documents):
    assert export(Place(sound), tmp_path / "out") == (3, 12, 16)
    files = sorted((tmp_path / "out").iterdir())
    assert [path.name for path in files] == [f"train-0000{n}-of-00003.parquet" for n in range(3)]
    assert all(pq.read_schema(path).equals(SCHEMA) for path in files)
    urls = [json.loads(r["general_metadata"])["url"] for path in files for r in pq.read_table(path).to_pylist()]
    assert sorted(urls) == sorted(d["general_metadata"]["url"] for d in documents(sound).values())
    with pytest.raises(OutputError, match="holds something already"):
        export(Place(sound), tmp_path / "out")


def test_what_is_exported_is_imported_as_pointers_and_as_documents(sound, tmp_path):
    export(Place(sound), tmp_path / "out")
    shown, pages = 0, 0
    for number, path in enumerate(sorted((tmp_path / "out").iterdir())):
        pages += write_pointers(tmp_path / f"{number}.parquet", path).counts["documents"]
        shown += sum("image_url" in node for item in as_published(path) for node in item.nodes)
    assert (pages, shown) == (12, 16)


def test_an_export_under_the_folder_goes_with_what_it_names(sound, tmp_path):
    export(Place(sound), sound / "exports" / "obelics")
    (tmp_path / "urls").write_text("https://c.example/\n")
    taken = forget(sound, [(tmp_path / "urls", "url")], current={})
    assert len(taken.deleted) == 1
    everything = b"".join(path.read_bytes() for path in sound.rglob("*") if path.is_file())
    assert b"c.example" not in everything


@pytest.mark.filterwarnings("ignore")
def test_hugging_face_datasets_reads_it(sound, tmp_path):
    datasets = pytest.importorskip("datasets")
    export(Place(sound), tmp_path / "out")
    found = datasets.load_dataset(
        "parquet", data_dir=str(tmp_path / "out"), split="train", cache_dir=str(tmp_path / "c")
    )
    assert found.column_names == ["images", "metadata", "general_metadata", "texts"]
    assert len(found) == 12
    assert sum(url is not None for sample in found for url in sample["images"]) == 16
