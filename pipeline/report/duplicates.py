"""Duplicates: sizes of groups, the images that repeat most, and the share of unique images against their number."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from pipeline.report.tables import Kept
    from pipeline.run import Run

IDENTITIES = {"by_url": "url", "by_bytes": "sha256", "by_phash": "phash"}
FRACTIONS = (0.01, 0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
MOST_REPEATED = 24


def duplicates(run: Run, kept: Kept) -> dict[str, Any]:
    """Group sizes of documents and images, curves of unique shares."""
    from pyspark.sql import functions as F

    copies = run.table("unique").where(F.col("duplicate_of").isNotNull())
    references = kept.references.select(
        F.inline(
            F.array(
                *(
                    F.struct(F.lit(name).alias("what"), F.col(column).alias("key"))
                    for name, column in IDENTITIES.items()
                )
            )
        )
    )
    of_documents = copies.select(F.lit("documents").alias("what"), F.col("duplicate_of").alias("key"))
    shown = _shown(run)
    found = _spectra(references.unionByName(of_documents))
    spectra = {name: found.get(name, {}) for name in IDENTITIES}
    return {
        "documents": {
            "by_reason": {
                str(r[0]): int(r[1]) for r in copies.groupBy("drop_reason").count().orderBy("drop_reason").collect()
            },
            # A group is the document that is kept and its copies.
            "group_sizes": {str(size + 1): number for size, number in found.get("documents", {}).items()},
        },
        "images": {
            "shown_in": {
                str(row["times"]): int(row["count"])
                for row in shown.groupBy("times").count().orderBy("times").collect()
            },
            "unique": {name: sum(s.values()) for name, s in spectra.items()},
            "number": sum(size * number for size, number in spectra["by_url"].items()),
            "curve": {name: curve(spectrum) for name, spectrum in spectra.items()},
        },
    }


def most_repeated(run: Run) -> list[dict[str, Any]]:
    """The images that most documents show, one URL of each, with its address in the store."""
    from pyspark.sql import functions as F

    top = _shown(run).where("times > 1").orderBy(F.desc("times"), "sha256").limit(MOST_REPEATED)
    images = run.table("images").where(F.col("drop_reason").isNull()).join(top, "sha256", how="inner")
    one = images.groupBy("sha256", "times").agg(
        F.min_by(F.struct("url", "width", "height", "store_file", "store_offset", "store_length"), "url").alias("i")
    )
    rows = one.select("sha256", "times", "i.*").orderBy(F.desc("times"), "sha256").collect()
    return [row.asDict() for row in rows]


def curve(spectrum: dict[int, int]) -> list[list[float]]:
    """[images, expected share of them that is unique] for growing parts of the dataset.

    Of a part that takes each image with probability f, a picture that stands c times is missed with (1 - f)^c: so the
    expected number of different pictures is known exactly from how many pictures stand c times, without drawing any.
    """
    total = sum(size * number for size, number in spectrum.items())
    points = []
    for part in FRACTIONS if total else ():
        different = sum(number * (1 - (1 - part) ** size) for size, number in spectrum.items())
        points.append([round(part * total, 1), round(different / (part * total), 6)])
    return points


def _shown(run: Run) -> DataFrame:
    """Rows (sha256, times): how many documents show each file, before any was dropped for it."""
    from pyspark.sql import functions as F

    before = run.table("references").where(F.col("count_in_corpus").isNotNull())
    return before.groupBy("sha256").agg(F.max("count_in_corpus").alias("times"))


def _spectra(rows: DataFrame) -> dict[str, dict[int, int]]:
    """Of rows (what, key), by `what`, how many keys stand so many times: {times: keys}; null keys count nowhere."""
    from pyspark.sql import functions as F

    sizes = rows.where(F.col("key").isNotNull()).groupBy("what", "key").agg(F.count("*").alias("size"))
    found: dict[str, dict[int, int]] = {}
    for row in sizes.groupBy("what", "size").agg(F.count("*").alias("number")).orderBy("what", "size").collect():
        found.setdefault(row["what"], {})[int(row["size"])] = int(row["number"])
    return found
