"""Same input, same recipe: same shard bytes, whatever the cores, the partitions, the cluster, or who was killed."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytestmark = [pytest.mark.spark, pytest.mark.slow]


def test_other_cores_and_partitions_give_the_same_bytes(weft, arguments, digests, digest_of, tmp_path):
    weft(*arguments, "--out", tmp_path, "--master", "local[4]", "--set", "spark.shuffle_partitions=3")
    assert digest_of(tmp_path) == digests


def test_steps_in_several_submissions_give_the_same_bytes(weft, arguments, digests, digest_of, tmp_path):
    for stages in ("01_documents..03_links", "04_images", "05_matches.."):
        weft(*arguments, "--out", tmp_path, "--master", "local[2]", "--stages", stages)
    assert digest_of(tmp_path) == digests


@pytest.mark.long
def test_the_clip_model_is_loaded_once_by_one_worker_on_four_cores(weft, arguments, tmp_path):
    loads = tmp_path / "loads"
    weft(
        *arguments,
        *("--out", tmp_path / "out", "--master", "local[4]", "--set", "clip.workers=1"),
        WEFT_MODEL_LOADS=str(loads),
    )
    # Two stages need it, and Spark may give the second one another worker.
    assert [line.split()[0] for line in loads.read_text().splitlines()].count("clip") in (1, 2)


def commits(folder: Path) -> dict[Path, int]:
    return {path: path.stat().st_mtime_ns for path in folder.rglob("_commits/*.json")}


def children(pid: int) -> list[int]:
    """Every descendant of a process."""
    found = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in task.read_text().split():
            found += [int(child), *children(int(child))]
    return found


def python_workers(pid: int) -> list[int]:
    workers = []
    for child in children(pid):
        try:
            command = Path(f"/proc/{child}/cmdline").read_bytes()
        except OSError:
            continue
        if b"pyspark.daemon" in command or b"pyspark.worker" in command:
            workers.append(child)
    return workers


@pytest.mark.long
@pytest.mark.parametrize("who", ["driver", "worker"])
def test_a_run_that_is_killed_and_started_again_ends_in_the_same_bytes(
    who, arguments, environment, digests, digest_of, tmp_path
):
    """Killed at random moments until it has finished; what was committed before a kill is not written again."""
    draw = random.Random(who)
    command = [sys.executable, "-m", "jobs.cli", *map(str, arguments), "--out", str(tmp_path), "--master", "local[2]"]
    before: dict[Path, int] = {}
    for attempt in range(6):
        log = tmp_path.parent / f"{tmp_path.name}-{attempt}.log"
        with log.open("wb") as out:
            process = subprocess.Popen(command, env=environment, stdout=out, stderr=out, start_new_session=True)
        wait = draw.uniform(8, 22) if attempt < 4 else 600
        ends = time.monotonic() + wait
        while process.poll() is None and time.monotonic() < ends:
            time.sleep(0.1)
        if process.poll() is None and who == "driver":
            os.kill(process.pid, signal.SIGKILL)
        elif process.poll() is None:
            for worker in python_workers(process.pid)[:1]:
                os.kill(worker, signal.SIGKILL)
        process.wait(timeout=600)
        now = commits(tmp_path)
        assert {path: now.get(path) for path in before} == before, "a committed slice was written again"
        before = now
        if process.returncode == 0:
            break
    assert process.returncode == 0, log.read_text()
    assert digest_of(tmp_path) == digests


@pytest.mark.long
def test_a_looser_bound_fetches_nothing_again_and_a_changed_recipe_redoes_only_what_it_changes(
    weft, arguments, server, tmp_path
):
    weft(*arguments, "--out", tmp_path, "--set", "images.min_side=300")
    asked = server.requests.total()
    before = commits(tmp_path)
    said = weft(*arguments, "--out", tmp_path, "--set", "images.min_side=120").stdout
    assert server.requests.total() == asked
    assert "01_documents: done before" in said
    assert "04_images/ledger: done before" in said
    after = commits(tmp_path)
    tables = [path for path in before if "shards" not in path.parts]
    assert [after[path] for path in tables] == [before[path] for path in tables]
    manifest = json.loads((tmp_path / "shards" / "manifest.json").read_text())
    assert manifest["totals"]["images"] > 0
