"""A disk that fills up in a later step: one line, nothing half-written is trusted, and with room it goes on."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pyarrow.parquet as pq
import pytest

pytestmark = [pytest.mark.spark, pytest.mark.slow, pytest.mark.timeout(3600)]

SPARE = 200 << 10
"""Room for the first files of a step, not for its shards (400 kB each)."""


def used(folder: Path) -> int:
    """Bytes of its files in whole pages, and a page for each file and folder, as tmpfs counts them."""
    return sum(4096 * (2 + path.stat().st_size // 4096) for path in folder.rglob("*"))


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A place where a file system can be mounted; it is taken away at the end."""
    if os.geteuid() != 0 or shutil.which("mount") is None:
        pytest.skip("no file system can be mounted here")
    place = tmp_path / "disk"
    place.mkdir()
    yield place
    subprocess.run(["umount", "-l", str(place)], check=False, capture_output=True)


def rows(folder: Path) -> int:
    """Rows that 04_images ends with."""
    return sum(pq.read_metadata(path).num_rows for path in (folder / "04_images" / "images").rglob("*.parquet"))


@pytest.mark.parametrize("step", ["04_images", "shards"])
def test_a_later_step_on_a_full_disk_goes_on_when_there_is_room(
    step, weft, arguments, finished, digest_of, digests, disk
):
    steps = ["01_documents", "02_unique", "03_links", "04_images", "05_matches", "shards"]
    before = steps[: steps.index(step)]
    size = sum(used(finished / name) for name in before) + SPARE
    mount = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(disk)]
    if (mounted := subprocess.run(mount, capture_output=True, text=True, check=False)).returncode:
        pytest.skip(f"no file system can be mounted here: {mounted.stderr.strip()}")
    folder = disk / "out"
    folder.mkdir()
    shutil.copy(finished / "run.json", folder)
    for name in before:
        shutil.copytree(finished / name, folder / name)
    command = (*arguments, "--out", folder, "--master", "local[2]", "--stages", step)
    full = weft(*command, check=False)
    assert full.returncode == 2, full.stderr
    assert "no space left on device" in full.stderr.lower()
    assert "run the same command again" in full.stderr
    assert "Traceback" not in full.stderr
    assert not (folder / "shards" / "manifest.json").exists()
    subprocess.run(["mount", "-o", "remount,size=256m", str(disk)], check=True)
    weft(*command)
    if step == "shards":
        assert digest_of(folder) == digests
    else:
        assert rows(folder) == rows(finished) > 20
