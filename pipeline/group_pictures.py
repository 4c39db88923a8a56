"""Step 05, pictures: image files that may be used, grouped by what they show, so that repeats can be counted.

Equal bytes are one file already. Files with PDQ hashes within `dedup_images.radius` of a leader's are one picture:
other sizes, qualities and formats of it. A hash of low quality says nothing, and its file stands alone. Only the radius
makes this table again; how often a picture may be seen is judged from it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.near_pictures import groups
from schemas.image import PICTURES

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from pipeline.dedup_images import Config
    from pipeline.run import Run


def make(run: Run) -> None:
    """Group the files that no rule has dropped."""
    from pyspark.sql import functions as F

    usable = run.table("images").where(F.col("drop_reason").isNull())
    files = usable.select("sha256", "pdq", "pdq_quality").dropDuplicates(["sha256"])
    run.write("05_matches/pictures", PICTURES, pictures(files, run.recipe.dedup_images))


def pictures(files: DataFrame, config: Config) -> DataFrame:
    """Rows (sha256, picture, distance), one for each file.

    Args:
        files: sha256 (distinct), pdq, pdq_quality.
        config: section [dedup_images]; its radius 0 groups equal hashes, -1 only what is the same file.
    """
    from pyspark.sql import functions as F

    if config.radius < 0:
        return files.select("sha256", F.col("sha256").alias("picture"), F.lit(0).alias("distance"))
    trusted = F.col("pdq").isNotNull() & (F.col("pdq_quality") >= config.min_quality)
    hashed = files.where(trusted).select("sha256", F.unhex("pdq").alias("hash"))
    first = hashed.groupBy(F.col("hash").alias("leader")).agg(F.min("sha256").alias("picture"))
    grouped = groups(hashed, config.radius).join(first, "leader", how="inner")
    near = hashed.join(grouped, "hash", how="inner").select("sha256", "picture", F.col("apart").alias("distance"))
    rest = files.where(~F.coalesce(trusted, F.lit(False)))
    return near.unionByName(rest.select("sha256", F.col("sha256").alias("picture"), F.lit(0).alias("distance")))
