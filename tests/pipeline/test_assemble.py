import random

import pytest

from pipeline.assemble import Config, shard_number
from schemas.errors import ConfigError


@pytest.mark.parametrize("wrong", [{"min_images": -1}, {"max_images": 1001}, {"min_images": 5, "max_images": 4}])
def test_bounds_that_cannot_hold_are_refused(wrong):
    with pytest.raises(ConfigError):
        Config(**wrong)


@pytest.mark.spark
@pytest.mark.parametrize("shards", [1, 2, 3, 7, 1000, 1 << 20])
def test_the_shard_of_a_key_is_exact_also_at_the_borders(spark, shards):
    draw = random.Random(shards)
    borders = [-(-(n << 128) // shards) for n in range(min(shards, 50))]
    keys = [draw.getrandbits(128) for _ in range(50)] + [k + d for k in borders for d in (-1, 0, 1)]
    keys = [key for key in keys if 0 <= key < 1 << 128] + [(1 << 128) - 1]
    rows = spark.createDataFrame([(f"{key:032x}",) for key in keys], "id string")
    found = {row["id"]: row["shard"] for row in rows.select("id", shard_number(shards).alias("shard")).collect()}
    assert found == {f"{key:032x}": key * shards >> 128 for key in keys}
