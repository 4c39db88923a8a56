"""Step 04, ledger: each image URL that 03 kept and nobody has answered yet is asked; bytes go into the image store.

All URLs of a host group stand in one bucket, a bucket is one task, and its slices run one after the other: whatever
the number of tasks, a group's limits hold without any talk between them. The ledger belongs to the output folder and
not to a recipe: no URL with a committed answer is asked again.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from filters.forgotten import Forgotten
from pipeline import tombstones
from pipeline.fetch import Answer, fetch
from pipeline.fetch.config import Config
from pipeline.fetch.robots_table import FolderTable
from pipeline.slices import Guard, Work, run_keyed
from pipeline.store import StoreWriter
from schemas.image import LEDGER
from schemas.reasons import FetchStatus

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from pipeline.run import Run

ROWS_AT_ONCE = 256


def make(run: Run) -> None:
    """Ask what is missing, in one round."""
    from pyspark.sql import functions as F

    config = run.recipe.fetch
    folder = run.where("04_images/ledger")
    number = folder.next_round()
    links = run.table("links").where(F.col("drop_reason").isNull()).select("url", "host_group")
    unanswered = links.join(run.table("ledger").select("url"), "url", how="left_anti")
    inside = unanswered.where(F.col("url").startswith("data:")).join(run.table("data_images"), "url", how="inner")
    run.write("04_images/ledger", LEDGER, _inside(inside, number), f"r{number:04d}-data")
    missing = unanswered.where(~F.col("url").startswith("data:"))
    count = missing.count()
    if count == 0:
        return
    robots = str(run.folder / "04_images" / "robots")
    process = fetch_slice(config, number, folder.data_prefix(run.folder), robots, str(run.folder))
    guard = Guard(record_seconds=config.deadline_s * 20)
    run.say(f"{count:,} image URLs to ask")
    run.check(
        "04_images/ledger",
        run_keyed(_slices(missing, count, number, config.slice_urls), folder, process, guard),
    )


def fetch_slice(config: Config, number: int, prefix: str, robots: str | None = None, root: str | None = None) -> Any:
    """What a task does with one slice: ask its URLs, keep the bytes that came, write a ledger row for each.

    Args:
        config: section [fetch].
        number: of the round.
        prefix: the folder of the store's tars as addresses have it, relative to the output folder.
        robots: folder of the robots.txt that tasks and runs share; None shares nothing.
        root: output folder, whose tombstones count; None has none.
    """

    def process(work: Work) -> None:
        urls = [row["url"] for row in work.rows()]
        store = StoreWriter(str(work.out.folder.path / "data"), work.slice)
        rows: list[dict[str, Any]] = []
        forgotten = tombstones.load(root) if root else Forgotten(())
        for answer in fetch(urls, config, robots=FolderTable(robots) if robots else None):
            if forgotten.has_file(answer.sha256) or forgotten.has_url(answer.final_url):
                answer = without_bytes(answer)
            rows.append(_row(answer, number, store, prefix))
            if len(rows) >= ROWS_AT_ONCE:
                work.out.write(LEDGER, rows)
                rows = []
        work.out.write(LEDGER, rows)
        for path, _ in store.close():
            work.out.add(work.out.folder.path / "data" / path, table="store", rows=0)

    return process


def without_bytes(answer: Answer) -> Answer:
    """The answer of a URL whose bytes, or the address they came from, were to be forgotten."""
    return replace(answer, status=FetchStatus.FORGOTTEN, data=None, sha256=None, final_url=None, detail=None)


def _inside(images: DataFrame, number: int) -> DataFrame:
    """Ledger rows of `data:` images, whose bytes step 01 put into the store."""
    from pyspark.sql import functions as F

    once = images.groupBy("url").agg(
        F.min(F.struct("store_file", "store_offset", "store_length", "sha256")).alias("at")
    )
    nothing = {"http_status": "int", "final_url": "string", "content_type": "string", "detail": "string"}
    return once.select("url", "at.*").withColumns(
        {
            "round": F.lit(number),
            "status": F.lit(str(FetchStatus.OK)),
            "attempts": F.lit(0),
            "num_bytes": F.col("store_length"),
            "seconds": F.lit(0.0),
            "fetched_at": F.current_timestamp(),
            **{name: F.lit(None).cast(dtype) for name, dtype in nothing.items()},
        }
    )


def _slices(missing: DataFrame, count: int, number: int, slice_urls: int) -> DataFrame:
    """URLs with their slice, host groups together; within a bucket the order mixes its hosts."""
    from pyspark.sql import functions as F
    from pyspark.sql.window import Window

    buckets = max(1, math.ceil(count / slice_urls))
    bucket = F.pmod(F.xxhash64("host_group"), F.lit(buckets))
    order = Window.partitionBy("bucket").orderBy(F.xxhash64("url"), "url")
    ranked = missing.withColumn("bucket", bucket).withColumn("rank", F.row_number().over(order))
    chunk = F.floor((F.col("rank") - 1) / slice_urls).cast("int")
    name = F.format_string(f"r{number:04d}-%06d-%06d", F.col("bucket"), chunk)
    named = ranked.select(name.alias("slice"), "url", "bucket")
    spread = named.repartition(buckets, "bucket").sortWithinPartitions("slice", F.xxhash64("url"), "url")
    return spread.select("slice", "url")


def _row(answer: Answer, number: int, store: StoreWriter, prefix: str) -> dict[str, Any]:
    """The ledger row of an answer; its bytes are in the store afterwards."""
    address = None
    if answer.status == FetchStatus.OK and answer.data is not None and answer.sha256 is not None:
        address = store.append(answer.data, name=answer.sha256)
    return {
        "url": answer.url,
        "round": number,
        "status": str(answer.status),
        "http_status": answer.http_status,
        "attempts": answer.attempts,
        "final_url": answer.final_url,
        "content_type": answer.content_type,
        "num_bytes": answer.num_bytes,
        "seconds": answer.seconds,
        "fetched_at": answer.fetched_at,
        "sha256": answer.sha256,
        "store_file": f"{prefix}/{address.file}" if address else None,
        "store_offset": address.offset if address else None,
        "store_length": address.length if address else None,
        "detail": answer.detail,
    }
