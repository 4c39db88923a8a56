"""Same input, same recipe: same shard bytes, whatever the cores, the partitions, the cluster, or who was killed."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytestmark = [pytest.mark.spark, pytest.mark.slow, pytest.mark.timeout(3600)]


def test_other_cores_partitions_and_compiled_queries_give_the_same_bytes_and_one_worker_loads_the_model_once(
    weft, arguments, digests, digest_of, tmp_path
):
    loads = tmp_path / "loads"
    other = ("--master", "local[4]", "--set", "spark.shuffle_partitions=3", "--set", "clip.workers=1")
    other = (*other, "--set", "spark.size=large")
    weft(*arguments, "--out", tmp_path / "out", *other, WEFT_MODEL_LOADS=str(loads))
    assert digest_of(tmp_path / "out") == digests
    # Two stages need it, and Spark may give the second one another worker.
    assert [line.split()[0] for line in loads.read_text().splitlines()].count("clip") in (1, 2)


def test_steps_in_several_submissions_give_the_same_bytes(weft, arguments, digests, digest_of, tmp_path):
    for stages in ("01_documents..03_links", "04_images", "05_matches.."):
        weft(*arguments, "--out", tmp_path, "--master", "local[2]", "--stages", stages)
    assert digest_of(tmp_path) == digests


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


KILLS = (("driver", 1), ("worker", 2), ("driver", 4), ("worker", 5))
"""Who is killed, and after how many more commits than the attempt began with: moments that no busy machine moves."""


def test_a_run_that_is_killed_and_started_again_ends_in_the_same_bytes(
    weft, arguments, environment, digests, digest_of, tmp_path
):
    """What was committed before a kill is not written again; a worker's death is no end, a driver's is.

    While a run is at work another one of the same folder is refused; once it was killed, nothing bars the next.
    """
    command = [sys.executable, "-m", "jobs.cli", *map(str, arguments), "--out", str(tmp_path), "--master", "local[2]"]
    log = tmp_path.parent / f"{tmp_path.name}.log"
    killed: list[str] = []
    for who, more in (*KILLS, ("nobody", 0)):
        before = commits(tmp_path)
        with log.open("wb") as out:
            process = subprocess.Popen(command, env=environment, stdout=out, stderr=out, start_new_session=True)
        while process.poll() is None and (who == "nobody" or len(commits(tmp_path)) < len(before) + more):
            time.sleep(0.05)
        if not before:
            other = weft(*arguments, "--set", "images.min_side=120", "--out", tmp_path, check=False)
            assert (other.returncode, process.poll()) == (2, None), other
            assert f"in the hands of another run (process {process.pid} on" in other.stderr
        while process.poll() is None and who != "nobody":
            if victims := [process.pid] if who == "driver" else python_workers(process.pid):
                os.kill(victims[0], signal.SIGKILL)
                killed.append(who)
                break
        process.wait(timeout=1800)
        now = commits(tmp_path)
        assert {path: now.get(path) for path in before} == before, "a committed slice was written again"
        if process.returncode == 0:
            break
    assert process.returncode == 0, log.read_text()
    assert {"driver", "worker"} <= set(killed), killed
    assert digest_of(tmp_path) == digests


def test_a_moved_bound_fetches_nothing_again_and_a_changed_recipe_redoes_only_what_it_changes(
    weft, arguments, finished, server, tmp_path
):
    out = tmp_path / "out"
    shutil.copytree(finished, out)
    asked, images = server.requests.total(), []
    reported = [out / "report" / name for name in ("index.html", "report.json")]
    assert all(path.exists() for path in reported)
    for side in (300, 120):  # tighter, then looser
        before = commits(out)
        said = weft(*arguments, "--out", out, "--set", f"images.min_side={side}").stdout
        assert server.requests.total() == asked
        assert not any(path.exists() for path in reported), "a report of other shards is left"
        assert "01_documents: done before" in said
        assert "04_images/ledger: done before" in said
        after = commits(out)
        tables = [path for path in before if "shards" not in path.parts]
        assert [after[path] for path in tables] == [before[path] for path in tables]
        images.append(json.loads((out / "shards" / "manifest.json").read_text())["totals"]["images"])
    assert 0 < images[0] < images[1]
