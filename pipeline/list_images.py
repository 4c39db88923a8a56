"""Step 03: the distinct image URLs of the documents that 02 kept, judged by URL alone; nothing is fetched yet."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

from filters.forgotten import PREFIX
from filters.image_urls import UrlRules, judge
from filters.page_urls import site
from schemas.image import LINKS
from schemas.reasons import UrlReason

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyspark.sql import DataFrame

    from pipeline.run import Run

DOCUMENT_KEY = ["warc_filename", "warc_record_offset"]


def make(run: Run) -> None:
    """Group the images of documents by URL and judge each URL once."""
    from pyspark.sql import functions as F

    nodes = image_nodes(run)
    opted_out = F.col("images_opted_out").cast("long")
    urls = nodes.groupBy("url").agg(
        F.sum(1 - opted_out).alias("num_references"), F.sum(opted_out).alias("num_opted_out")
    )
    rules = run.recipe.image_urls

    def judge_urls(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            yield LINKS.batch([_link(row, rules) for row in batch.to_pylist()])

    links = urls.mapInArrow(judge_urls, LINKS.ddl())
    run.write("03_links", LINKS, _capped(links, run.recipe.fetch.max_urls_per_host))


def _capped(links: DataFrame, most: int) -> DataFrame:
    """At most so many URLs of a host group, 0 for all: those with most references, and among equals a fixed choice."""
    from pyspark.sql import functions as F
    from pyspark.sql.window import Window

    if not most:
        return links
    is_asked = F.col("drop_reason").isNull() & ~F.col("url").startswith("data:")
    order = Window.partitionBy("host_group", is_asked).orderBy(F.desc("num_references"), F.xxhash64("url"), "url")
    rank = F.row_number().over(order)
    over = F.when(is_asked & (F.col("rank") > most), F.lit(str(UrlReason.HOST_LIMIT)))
    return links.withColumn("rank", rank).withColumn("drop_reason", F.coalesce(over, "drop_reason")).drop("rank")


def image_nodes(run: Run) -> DataFrame:
    """The images that extraction placed in the documents that 02 kept: id, site, node, url, images_opted_out."""
    from pyspark.sql import functions as F

    unique = run.table("unique").where(F.col("drop_reason").isNull()).select(*DOCUMENT_KEY)
    documents = run.table("documents").select("id", "site", *DOCUMENT_KEY, "images_opted_out", "nodes")
    kept = documents.join(unique, DOCUMENT_KEY, how="left_semi")
    exploded = kept.select("id", "site", "images_opted_out", F.posexplode("nodes").alias("node", "n"))
    images = exploded.where(F.col("n.image_url").isNotNull() & F.col("n.drop_reason").isNull())
    return images.select("id", "site", "node", F.col("n.image_url").alias("url"), "images_opted_out")


def _link(row: dict[str, int | str], rules: UrlRules) -> dict[str, object]:
    """A row of LINKS: what the page says comes before what the URL looks like."""
    url = str(row["url"])
    if url.startswith(PREFIX):
        return {**row, "host_group": "", "drop_reason": str(UrlReason.FORGOTTEN)}
    reason = judge(url, rules) if row["num_references"] else UrlReason.OPTED_OUT
    return {**row, "host_group": site(url), "drop_reason": None if reason is None else str(reason)}
