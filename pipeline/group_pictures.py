"""Step 05, pictures: image files that may be used, grouped by what they show, so that repeats can be counted.

Equal bytes are one file already. Files with PDQ hashes within `dedup_images.radius` of a leader's are one picture:
other sizes, qualities and formats of it; pictures that are rich in text have a smaller radius of their own. A hash of
low quality says nothing, and its file stands alone. How often a picture may be seen is judged from this table. Files of
earlier runs that the recipe names are grouped with those of this one: their pictures are known again in other sizes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline import earlier_runs
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
    earlier = earlier_runs.image_files(run)
    usable = (usable if earlier is None else usable.unionByName(earlier)).dropDuplicates(["sha256"])
    text_rich = F.coalesce(F.col("text_share") >= run.recipe.images.text_rich, F.lit(False))
    files = usable.select("sha256", "pdq", "pdq_quality", text_rich.alias("text_rich")).localCheckpoint()
    run.write("05_matches/pictures", PICTURES, pictures(files, run.recipe.dedup_images))


def pictures(files: DataFrame, config: Config) -> DataFrame:
    """Rows (sha256, picture, distance), one for each file.

    Args:
        files: sha256 (distinct), pdq, pdq_quality, text_rich.
        config: section [dedup_images]; a radius of 0 groups equal hashes, -1 only what is the same file.
    """
    from pyspark.sql import functions as F

    trusted = F.coalesce(F.col("pdq").isNotNull() & (F.col("pdq_quality") >= config.min_quality), F.lit(False))
    found = _alone(files.where(~trusted))
    for text_rich, radius in ((False, config.radius), (True, config.text_radius)):
        kind = files.where(trusted & (F.col("text_rich") == text_rich))
        found = found.unionByName(_near(kind, radius) if radius >= 0 else _alone(kind))
    return found


def _alone(files: DataFrame) -> DataFrame:
    from pyspark.sql import functions as F

    return files.select("sha256", F.col("sha256").alias("picture"), F.lit(0).alias("distance"))


def _near(files: DataFrame, radius: int) -> DataFrame:
    from pyspark.sql import functions as F

    hashed = files.select("sha256", F.unhex("pdq").alias("hash"))
    first = hashed.groupBy(F.col("hash").alias("leader")).agg(F.min("sha256").alias("picture"))
    grouped = groups(hashed, radius).join(first, "leader", how="inner")
    return hashed.join(grouped, "hash", how="inner").select("sha256", "picture", F.col("apart").alias("distance"))
