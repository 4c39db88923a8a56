"""Which files are one picture."""

from __future__ import annotations

import pytest

from pipeline.dedup_images import Config
from pipeline.group_pictures import make, pictures
from schemas.image import IMAGES

ZERO, NEAR, FAR = "0" * 64, "0" * 63 + "f", "0" * 32 + "f" * 32
ALONE = {name: (name, 0) for name in "abcdefgh"}
FILES = [
    ("b", ZERO, 90, False), ("a", ZERO, 50, False), ("c", NEAR, 100, False), ("d", FAR, 100, False),
    ("e", ZERO, 49, False), ("f", None, None, False), ("g", FAR, 100, True), ("h", FAR[:-1] + "0", 100, True),
]  # fmt: skip


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        ({}, {"b": ("a", 0), "c": ("a", 4), "g": ("h", 4)}),
        ({"radius": 3, "text_radius": 3}, {"b": ("a", 0)}),
        ({"min_quality": 0, "text_radius": -1}, {"b": ("a", 0), "c": ("a", 4), "e": ("a", 0)}),
        ({"radius": -1}, {"g": ("h", 4)}),
    ],
)
def test_files_are_one_picture_by_hash_where_the_hash_can_be_trusted(spark, config, expected):
    files = spark.createDataFrame(FILES, "sha256 string, pdq string, pdq_quality int, text_rich boolean")
    found = {r["sha256"]: (r["picture"], r["distance"]) for r in pictures(files, Config(**config)).collect()}
    assert found == ALONE | expected


def test_the_step_takes_each_usable_file_once(spark, run_of, fill, row_of):
    run = run_of(spark=spark)
    seen = {"status": "ok", "pdq": ZERO, "pdq_quality": 100}
    rows = [
        row_of(IMAGES, url="u1", sha256="s1", **seen),
        row_of(IMAGES, url="u2", sha256="s1", **seen),
        row_of(IMAGES, url="u3", sha256="s2", **seen),
        row_of(IMAGES, url="u4", sha256="s3", drop_reason="file:too_small", **seen),
        row_of(IMAGES, url="u5", status="timeout", drop_reason="fetch:timeout"),
    ]
    fill(run, "04_images/images", (IMAGES, rows))
    make(run)
    assert {(r["sha256"], r["picture"]) for r in run.table("pictures").collect()} == {("s1", "s1"), ("s2", "s1")}
