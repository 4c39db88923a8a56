"""Image URLs whose bytes are at hand: nothing is asked of anybody.

Images that stand in their pages as data: URLs (step 01 put them into the store), images that the crawl itself captured
in the archives that are read, and the folders of `fetch.from`: outputs of img2dataset and output folders of earlier
runs. Lists of what must not be kept count here too; robots.txt and headers were the affair of who fetched.
"""

from __future__ import annotations

import datetime
import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

import pyarrow as pa

from pipeline.archive.config import Config as ArchiveConfig
from pipeline.archive.inputs import InputFile, Pointers, read_input
from pipeline.archive.record import IMAGES, Page
from pipeline.commits import StepFolder
from pipeline.fetch import Answer, Config
from pipeline.fetch.block_lists import Registry, read_lists
from pipeline.fetch.img2dataset_output import read_shard
from pipeline.fetch.opt_out import objection
from pipeline.fetch.request import judge_bytes
from pipeline.fetch_rounds import STEP
from pipeline.fetch_slice import keep
from pipeline.slices import SEVERAL, Guard, Work, run_keyed
from pipeline.store import Address, erase, read_ranges
from schemas.errors import ConfigError
from schemas.image import LEDGER
from schemas.reasons import FetchStatus

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from pipeline.run import Run

SECONDS = 1800.0
"""Time for the images of one archive or one shard."""
_PLACES = "url string, shelf string, at bigint, length bigint, sha256 string"
_SCHEMA = pa.schema(
    [("url", pa.string()), ("shelf", pa.string()), ("at", pa.int64()), ("length", pa.int64()), ("sha256", pa.string())]
)
Answers = Callable[[list[dict[str, Any]]], Iterator[Answer]]
"""Rows of _PLACES, all on one shelf, to the answers that their bytes are."""


def make(run: Run, unanswered: Callable[[], DataFrame]) -> None:
    """Answer what can be answered without the network.

    Args:
        run: whose step is made.
        unanswered: the URLs without an answer, now.
    """
    _from_pages(run, unanswered())
    _from_archives(run, unanswered)
    for number, folder in enumerate(run.recipe.fetch.from_):
        _from_folder(run, unanswered(), number, Path(folder))


def _run(run: Run, found: DataFrame, kind: str, answers: Answers, rows_at_most: int = 1 << 30) -> None:
    """Take the images at the places of `found` (_PLACES), a slice for each shelf, or several of `rows_at_most`."""
    from pyspark.sql import functions as F
    from pyspark.sql.window import Window

    folder = run.where(STEP)
    number, prefix, root = folder.next_round(), folder.data_prefix(run.folder), str(run.folder)
    on_shelf = Window.partitionBy("shelf").orderBy("at", "url")
    chunk = F.floor((F.row_number().over(on_shelf) - 1) / F.lit(rows_at_most)).cast("int")
    name = F.format_string(f"r{number:04d}-{kind}-%016x-%04d", F.xxhash64("shelf"), chunk)
    sliced = found.withColumn("slice", name).repartition(max(1, run.parallelism() * 4), "slice")
    sliced = sliced.sortWithinPartitions("slice", "at", "url").select("slice", "url", "shelf", "at", "length", "sha256")

    def process(work: Work) -> None:
        work.journal.note(SEVERAL)
        keep(answers(list(work.rows())), work, number, prefix, root)

    run.check(STEP, run_keyed(sliced, folder, process, Guard(record_seconds=SECONDS)))


def _from_pages(run: Run, unanswered: DataFrame) -> None:
    folder = run.where(STEP)
    number = folder.next_round()
    images = run.table("data_images")
    inside = unanswered.where("url like 'data:%'").select("url").join(images, "url", how="inner")
    rows = _rows_of_pages(inside, number)
    if run.recipe.fetch.block_lists:  # step 01 asked them too, but a list may have come since
        columns = rows.select(*LEDGER.arrow.names)
        rows = columns.mapInArrow(_blocked_now(run.recipe.fetch, str(run.folder)), LEDGER.ddl())
    run.write(STEP, LEDGER, rows, f"r{number:04d}-data")
    blocked = run.table("ledger").where(f"status = '{FetchStatus.BLOCKED_BY_LIST}' and url like 'data:%'").select("url")
    copies = images.where("store_file is not null").join(blocked, "url", how="left_semi")
    places = copies.select("store_file", "store_offset", "store_length").distinct()
    erase(str(run.folder), (Address(*row) for row in places.toLocalIterator()))


def _blocked_now(config: Config, root: str) -> Any:
    """Ledger rows of `data:` images, without the bytes of those on a list."""

    def work(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        registry = read_lists(config.block_lists)
        for batch in batches:
            rows = batch.to_pylist()
            held = [row for row in rows if row["store_file"]]
            places = {Address(row["store_file"], row["store_offset"], row["store_length"]): row for row in held}
            for address, data in read_ranges(root, places):
                if registry and (why := registry.blocks_bytes(data)):
                    nowhere = dict.fromkeys(("store_file", "store_offset", "store_length"))
                    places[address].update(nowhere, status=str(FetchStatus.BLOCKED_BY_LIST), detail=why)
            yield LEDGER.batch(rows)

    return work


def _rows_of_pages(images: DataFrame, number: int) -> DataFrame:
    """Ledger rows of `data:` images, whose bytes step 01 put into the store; what it found on a list wins."""
    from pyspark.sql import functions as F

    once = images.groupBy("url").agg(
        F.min(F.struct("store_file", "store_offset", "store_length", "sha256", "blocked")).alias("at")
    )
    nothing = {"http_status": "int", "final_url": "string", "content_type": "string"}
    known = once.select("url", "at.*").withColumnRenamed("blocked", "detail")
    is_kept, kept, blocked = F.col("detail").isNull(), str(FetchStatus.OK), str(FetchStatus.BLOCKED_BY_LIST)
    return known.withColumns(
        {
            "round": F.lit(number),
            "status": F.when(is_kept, F.lit(kept)).otherwise(F.lit(blocked)),
            "attempts": F.lit(0),
            "redirects": F.lit(0),
            "headers": F.array().cast("array<struct<name: string, value: string>>"),
            "num_bytes": F.coalesce("store_length", F.lit(0).cast("bigint")),
            "seconds": F.lit(0.0),
            "fetched_at": F.current_timestamp(),
            **{name: F.lit(None).cast(dtype) for name, dtype in nothing.items()},
        }
    )


def _from_archives(run: Run, unanswered: Callable[[], DataFrame]) -> None:
    """Images that the archives hold: their places first, from the records' heads, then the bytes of those wanted."""
    from pyspark.sql import functions as F

    counts = run.table("inputs").select("warc_filename", F.explode("counts").alias("c"))
    holding = counts.where("c.content_type like 'image/%'").select("warc_filename").distinct()
    names = {row["warc_filename"] for row in holding.collect()}
    if not names:
        return
    listed = sorted(payload for _, payload in run.inputs if InputFile.from_json(payload).warc_filename in names)
    config = run.recipe.read_warc
    tasks = run.spark.createDataFrame([(payload,) for payload in listed], "payload string")
    places = tasks.repartition(len(listed)).mapInArrow(_find_in(config, len(listed)), _PLACES)
    wanted = unanswered().select("url").join(places, "url", how="inner")
    once = wanted.groupBy("url").agg(F.min(F.struct("shelf", "at", "length", "sha256")).alias("p"))
    _run(
        run, once.select("url", "p.*"), "archive", from_archive(config, run.recipe.fetch), config.max_pointers_per_item
    )


def _find_in(config: ArchiveConfig, num_tasks: int) -> Any:
    def work(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            for payload in batch.column("payload").to_pylist():
                item = InputFile.from_json(payload)
                found = [
                    {"url": page.url, "shelf": item.path, "at": page.offset, "length": page.length, "sha256": None}
                    for page in read_input(item, config, num_tasks=num_tasks, wanted=IMAGES)
                    if isinstance(page, Page) and page.status in (200, None)
                ]
                yield pa.RecordBatch.from_pylist(found, schema=_SCHEMA)

    return work


def from_archive(archives: ArchiveConfig, config: Config) -> Answers:
    """Images of one archive."""

    def answers(rows: list[dict[str, Any]]) -> Iterator[Answer]:
        registry = read_lists(config.block_lists)
        wanted = {(row["at"], row["length"]): row["url"] for row in rows}
        item = InputFile(path=rows[0]["shelf"], warc_filename="", pointers=Pointers.of(wanted))
        for page in read_input(item, archives, wanted=IMAGES):
            url = wanted.pop((page.offset, page.length), None)
            if url is not None and isinstance(page, Page):
                tags, reservation, agent = page.robots_headers, page.tdm_header, config.agent
                why = objection(tags, reservation, agent=agent, directives=config.opt_out_directives)
                yield judged(url, page.body, config, registry, "in the archive", page.fetched_at, objected=why)

    return answers


def _from_folder(run: Run, unanswered: DataFrame, number: int, folder: Path) -> None:
    """Images of an img2dataset output, or of an earlier run's output folder."""
    from pyspark.sql import functions as F

    if (folder / "04_images" / "ledger").is_dir():
        files = [f"file://{path}" for path in _ledger_files(folder)]
        rows = run.spark.read.parquet(*files) if files else run.table("ledger")
        rows = rows.where("status = 'ok' and store_file is not null")
        place = ("store_file", "store_offset", "store_length", "sha256")
        answers, columns = from_store(folder, run.recipe.fetch), [F.col(name) for name in place]
    elif tables := sorted(folder.glob("[0-9]*.parquet")):
        rows = run.spark.read.parquet(*(f"file://{path.resolve()}" for path in tables)).where("status = 'success'")
        nothing = F.lit(0).cast("bigint")
        columns = [F.col("_metadata.file_path"), nothing, nothing, F.lit(None).cast("string")]
        answers = from_img2dataset(run.recipe.fetch)
    else:
        raise ConfigError(f"fetch.from: {folder} is neither an output of img2dataset nor an output folder of weft run")
    names = ("shelf", "at", "length", "sha256")
    places = rows.select("url", *(column.alias(name) for column, name in zip(columns, names, strict=True)))
    wanted = unanswered.select("url").join(places, "url", how="inner")
    once = wanted.groupBy("url").agg(F.min(F.struct(*names)).alias("p")).select("url", "p.*")
    _run(run, once, f"from{number}", answers)


def _ledger_files(folder: Path) -> Iterator[Path]:
    for step in sorted(path for path in (folder / "04_images" / "ledger").iterdir() if path.is_dir()):
        yield from (path.resolve() for path in StepFolder(step).files("ledger"))


def from_store(folder: Path, config: Config) -> Answers:
    """Images of one file of an earlier run's store; what was erased there is left to be asked."""

    def answers(rows: list[dict[str, Any]]) -> Iterator[Answer]:
        registry = read_lists(config.block_lists)
        wanted: dict[Address, list[tuple[str, str]]] = {}
        for row in rows:
            place = Address(row["shelf"], row["at"], row["length"])
            wanted.setdefault(place, []).append((row["url"], row["sha256"]))
        for address, data in read_ranges(folder, wanted):
            digest = hashlib.sha256(data).hexdigest()
            for url, sha256 in wanted[address]:
                if digest == sha256:
                    yield judged(url, data, config, registry, "from an earlier run")

    return answers


def from_img2dataset(config: Config) -> Answers:
    """The wanted images of one shard of img2dataset."""

    def answers(rows: list[dict[str, Any]]) -> Iterator[Answer]:
        registry = read_lists(config.block_lists)
        wanted = {row["url"] for row in rows}
        for answer in read_shard(Path(unquote(urlsplit(rows[0]["shelf"]).path)), config):
            if answer.url in wanted and answer.status is FetchStatus.OK and answer.data is not None:
                wanted.discard(answer.url)
                yield judged(answer.url, answer.data, config, registry, "from img2dataset", answer.fetched_at)

    return answers


def judged(
    url: str,
    data: bytes,
    config: Config,
    registry: Registry | None,
    source: str,
    fetched_at: datetime.datetime | None = None,
    objected: str | None = None,
) -> Answer:
    """The answer that bytes at hand are: by the bounds, objections and lists that a fetched image has to pass."""
    status, detail = judge_bytes(data, min_bytes=config.min_bytes, max_pixels=config.max_pixels)
    if len(data) > config.max_bytes:
        status, detail = FetchStatus.TOO_LARGE, f"{len(data)} bytes"
    if objected:
        status, detail = FetchStatus.OPTED_OUT, objected
    if registry and (why := registry.blocks_url(url) or registry.blocks_bytes(data)):
        status, detail = FetchStatus.BLOCKED_BY_LIST, why
    is_kept = status is FetchStatus.OK
    return Answer(
        url=url,
        status=status,
        num_bytes=len(data),
        fetched_at=fetched_at or datetime.datetime.now(datetime.UTC),
        sha256=hashlib.sha256(data).hexdigest() if is_kept else None,
        data=data if is_kept else None,
        detail=detail or source,
    )
