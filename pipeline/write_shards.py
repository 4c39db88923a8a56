"""The shards: documents in the order of their keys, cut into N equal ranges of keys, images read from the store.

Spark brings each task the documents of its shards, texts included, and the addresses of their images; the bytes are
read by ranges, many at once. A shard's bytes depend on its documents and the recipe alone.
"""

from __future__ import annotations

import math
import shutil
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from filters.images.shard_bytes import MAX_SIDE, QUALITY, ShardImage, to_shard
from filters.text.tokens import NAME as TOKENIZER
from pipeline.assemble import by_key, kept_documents
from pipeline.commits import Commit, new_attempt
from pipeline.sample_json import document_json, to_bytes
from pipeline.shard_files import ShardFile
from pipeline.shards import manifest
from pipeline.shards.place import Place
from pipeline.slices import Guard, Work, run_keyed
from pipeline.store import Address, read_ranges
from schemas.errors import ConfigError
from schemas.reasons import DocumentReason, FileReason
from schemas.shard import PAGE_FIELDS, image_name

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from pipeline.run import Run

BATCH_BYTES = 128 << 20
"""Image bytes that a task reads at once: neighbours in the store are read together."""
MAX_SHARDS = 1_000_000
"""Shards are numbered with six digits."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """Recipe section [shard]."""

    target_bytes: int = 512 << 20
    """Size that the number of shards is chosen for."""
    max_side: int = MAX_SIDE
    """Longest side in px of an image that has to be written anew."""
    quality: int = QUALITY
    """JPEG quality of images that have to be written anew."""

    def __post_init__(self) -> None:
        if self.target_bytes < 1 << 16:
            raise ConfigError(f"shard.target_bytes={self.target_bytes} must be at least {1 << 16}")
        if not 16 <= self.max_side <= 65_500:
            raise ConfigError(f"shard.max_side={self.max_side} must be in [16, 65500]")
        if not 1 <= self.quality <= 100:
            raise ConfigError(f"shard.quality={self.quality} must be in [1, 100]")


def make(run: Run) -> None:
    """Write what is missing of the shards, then the manifest, which makes them a dataset."""
    from pyspark.sql import functions as F

    folder, shards = run.where("shards"), run.folder / "shards"
    _begin(run, shards)
    decisions = run.table("decisions").where(F.col("drop_reason").isNull())
    total = decisions.agg(F.sum("num_bytes").alias("bytes")).first()
    count = min(MAX_SHARDS, max(1, math.ceil(int((total and total["bytes"]) or 0) / run.recipe.shard.target_bytes)))
    folder.plan([f"weft-{number:06d}" for number in range(count)])
    sliced = by_key(_documents(run, decisions.select("id", "num_words", "num_tokens", "tier")), "weft", count, 0)
    process = write_slice(run.recipe.shard, run.recipe.assemble.min_images, run.recipe.stamp, shards, str(run.folder))
    errors = run_keyed(sliced.where(~F.col("slice").isin(sorted(folder.commits())[:10_000])), folder, process, Guard())
    run.check("shards", errors)
    for number in range(count):
        _write_empty(run, f"weft-{number:06d}", shards)
    for draft in shards.glob(".weft-*"):  # of attempts that were killed
        draft.unlink(missing_ok=True)
    write_manifest(run, count)


def write_slice(config: Config, min_images: int, recipe: str, shards: Path, store: str) -> Any:
    """What a task does with one shard."""

    def process(work: Work) -> None:
        file = ShardFile(shards, work.slice, work.out.attempt)
        dropped: dict[str, Counter[str]] = {unit: Counter() for unit in ("document", "reference", "node")}
        totals: Counter[str] = Counter()
        try:
            for rows in _batches(work.rows()):
                work.journal.rest()
                data = _read(rows, store)
                for row in rows:
                    work.journal.note(row["id"])
                    crashed = row["id"] in work.journal.blamed
                    _add(file, row, data, config, min_images, recipe, crashed, dropped, totals)
            entry = file.close()
        except BaseException:
            file.abandon()
            raise
        work.extra = _facts(entry, file.max_images, totals, dropped)

    return process


def write_manifest(run: Run, count: int) -> None:
    """Put `manifest.json` beside the shards; until then they are not a dataset."""
    commits = run.where("shards").commits()
    records = [commits[f"weft-{number:06d}"].extra for number in range(count)]
    totals: Counter[str] = Counter()
    for record in records:
        totals.update(record["totals"])
    body = manifest.body(
        recipes=[run.recipe.stamp],
        entries=[record["shard"] for record in records],
        totals=totals,
        tokenizer=TOKENIZER,
        max_images=max((record["max_images"] for record in records), default=0),
    )
    manifest.put(Place(run.folder / "shards"), body)


def _begin(run: Run, shards: Path) -> None:
    """Shards of another recipe or input give way: their names are ours."""
    current = run.where("shards").path
    current.mkdir(parents=True, exist_ok=True)
    for other in current.parent.iterdir():  # records first: without them nothing says that tars are complete
        if other != current:
            shutil.rmtree(other)
    if not run.where("shards").commits():  # nothing that lies here is ours
        for path in [shards / "manifest.json", *shards.glob("weft-*"), *shards.glob(".weft-*")]:
            path.unlink(missing_ok=True)


def _write_empty(run: Run, name: str, shards: Path) -> None:
    """A shard that no document falls into has its tar and index all the same."""
    folder = run.where("shards")
    if folder.is_committed(name):
        return
    entry = ShardFile(shards, name, new_attempt()).close()
    folder.commit(Commit(slice=name, files=(), extra=_facts(entry, 0, Counter(), {})))


def _facts(
    entry: dict[str, Any], max_images: int, totals: Counter[str], dropped: dict[str, Counter[str]]
) -> dict[str, Any]:
    """What the commit record of a shard says beside its cost."""
    late = {unit: dict(dropped.get(unit, {})) for unit in ("document", "reference", "node")}
    return {"shard": entry, "max_images": max_images, "totals": dict(totals), "dropped": late}


def _documents(run: Run, decisions: DataFrame) -> DataFrame:
    """Everything that the JSON of a document needs, and the addresses of its images."""
    from pyspark.sql import functions as F

    looks = run.table("images").select(
        "url",
        "store_file",
        "store_offset",
        "store_length",
        "phash",
        "nsfw_score",
        "num_faces",
        "width",
        "height",
        (F.col("text_share") >= run.recipe.images.text_rich).alias("text_rich"),
    )
    kept = run.table("matches").where(F.col("drop_reason").isNull()).join(looks, "url", how="inner")
    match = F.struct("node", *[name for name in kept.columns if name not in ("id", "node", "drop_reason")])
    matches = kept.groupBy("id").agg(F.sort_array(F.collect_list(match)).alias("matches"))
    page = [name for name in PAGE_FIELDS if name not in ("num_words", "num_tokens", "tier")]
    documents = kept_documents(run, *page)
    return documents.join(decisions, "id", how="inner").join(matches, "id", how="left")


def _batches(rows: Iterator[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    """Documents together up to a bound of image bytes."""
    held: list[dict[str, Any]] = []
    size = 0
    for row in rows:
        held.append(row)
        size += 4096 + sum(match["store_length"] for match in row["matches"] or [])
        if size >= BATCH_BYTES:
            yield held
            held, size = [], 0
    yield held


def _read(rows: list[dict[str, Any]], store: str) -> dict[str, bytes]:
    """The bytes of the documents' images by SHA-256, checked against it."""
    names = {}
    for row in rows:
        for match in row["matches"] or []:
            address = Address(match["store_file"], match["store_offset"], match["store_length"])
            names[address] = match["sha256"]
    return {names[address]: data for address, data in read_ranges(store, names, digests=names)}


def _add(
    file: ShardFile,
    row: dict[str, Any],
    data: dict[str, bytes],
    config: Config,
    min_images: int,
    recipe: str,
    crashed: bool,
    dropped: dict[str, Counter[str]],
    totals: Counter[str],
) -> None:
    """Append a document, or count why it cannot be: a file that was measured can still fail to be written anew."""
    images: dict[int, ShardImage] = {}
    for match in row["matches"] or []:
        made = (
            FileReason.CRASHED
            if crashed
            else to_shard(
                data[match["sha256"]],
                max_side=config.max_side,
                quality=config.quality,
                text_rich=bool(match["text_rich"]),
            )
        )
        if isinstance(made, FileReason):
            dropped["reference"][f"file:{made}"] += 1
        else:
            images[match["node"]] = made
    if crashed or len(images) < min_images:
        reason = DocumentReason.CRASHED if crashed else DocumentReason.NO_IMAGES
        dropped["document"][str(reason)] += 1
        dropped["reference"]["document"] += len(images)
        dropped["node"]["document"] += _num_texts(row)
        return
    document = document_json(row, images, recipe)
    members = [(image_name(number), images[node].data) for number, node in enumerate(sorted(images))]
    file.add(row["id"], to_bytes(document), document, members)
    totals.update(
        documents=1,
        images=len(images),
        words=row["num_words"],
        tokens=row["num_tokens"],
        texts=_num_texts(row),
    )


def _num_texts(row: dict[str, Any]) -> int:
    gone = set(row["dropped_nodes"])
    return sum(
        node["text"] is not None and node["drop_reason"] is None and number not in gone
        for number, node in enumerate(row["nodes"])
    )
