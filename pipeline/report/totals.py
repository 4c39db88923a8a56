"""What the shards hold, and what nothing could be said of: the key `totals` of `report.json`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from pipeline.report.cost import costs

if TYPE_CHECKING:
    from pipeline.report.tables import Kept
    from pipeline.run import Run


def totals(run: Run, kept: Kept, shape: dict[str, Any], repeats: dict[str, Any]) -> dict[str, Any]:
    """Counts over the documents that went into the shards, and over all pages for what was masked.

    Args:
        run: a finished run.
        kept: its documents and images.
        shape: `distributions`.
        repeats: `duplicates`.
    """
    from pyspark.sql import functions as F

    manifest = json.loads((run.folder / "shards" / "manifest.json").read_text())
    documents = kept.documents
    unscored = kept.references.agg(
        F.count_if(F.col("clip_score").isNull()).alias("clip"),
        F.count_if(F.col("nsfw_score").isNull()).alias("nsfw"),
    ).first()
    missing = documents.select(F.explode("not_scored").alias("name")).groupBy("name").count().orderBy("name")
    masked = run.table("documents").select(F.explode("masked").alias("m")).groupBy("m.kind").agg(F.sum("m.count"))
    hosts, languages = shape["hosts"], shape["languages"]
    return {
        **{name: manifest["totals"][name] for name in ("documents", "images", "words", "tokens", "tokenizer")},
        "unique_images": repeats["images"]["unique"],
        "languages": {row["language"] or "none": int(row["documents"]) for row in languages},
        "hosts": {"count": hosts["count"], "top": {row["site"]: int(row["documents"]) for row in hosts["top"]}},
        "masked": {row[0]: int(row[1]) for row in sorted(masked.collect())},
        "bytes": sum(shard["bytes"] for shard in manifest["shards"]),
        "shards": manifest["num_shards"],
        "seconds": round(sum(cost["seconds"] for cost in costs(run)), 3),
        "not_scored": {
            "clip": int(unscored["clip"]) if unscored else 0,
            "nsfw": int(unscored["nsfw"]) if unscored else 0,
            **{row["name"]: int(row["count"]) for row in missing.collect()},
        },
    }
