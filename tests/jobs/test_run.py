"""weft run up to the point where Spark is at work, and a disk that fills up. Whole runs: tests/integration."""

from __future__ import annotations

import os
import subprocess

import pytest

from jobs.run import parser, publish_run, work_folder
from pipeline.books import CHECKED
from schemas.errors import ConfigError

QUIET = ("--set", "clip.model=none", "--set", "nsfw.model=none")


def test_options_have_the_names_that_docs_and_examples_use():
    options = parser().parse_args(
        ["--recipe", "tiny", "--in", "a", "b", "--out", "o", "--set", "a.b=1", "--set", "c.d=2", "--stages", "x..y"]
    )
    assert (options.inputs, options.overrides, options.stages) == (["a", "b"], ["a.b=1", "c.d=2"], "x..y")
    assert "--stages 01_documents..03_links" in parser().format_help()


def test_an_address_needs_a_work_folder_and_a_folder_needs_none(tmp_path):
    assert work_folder("s3://bucket/out", tmp_path) == tmp_path
    assert work_folder(str(tmp_path), None) == tmp_path
    with pytest.raises(ConfigError, match="--work"):
        work_folder("s3://bucket/out", None)
    with pytest.raises(ConfigError, match="--work"):
        work_folder(str(tmp_path), tmp_path)


def test_shards_and_report_of_a_finished_run_go_to_the_address(tmp_path):
    from collections import Counter

    from pipeline.shard_files import ShardFile
    from pipeline.shards.manifest import body, put
    from pipeline.shards.place import Place, shards_place

    (tmp_path / "shards").mkdir()
    (tmp_path / "report").mkdir()
    (tmp_path / "report" / "report.json").write_text("{}")
    entry = ShardFile(tmp_path / "shards", "weft-000000", "a").close()
    manifest = body(recipes=["t@0"], entries=[entry], totals=Counter(), tokenizer="none", max_images=0)
    put(Place(tmp_path / "shards"), manifest)
    said: list[str] = []
    (tmp_path / "report" / CHECKED).write_text("{}")  # is of the folder, not of the dataset
    publish_run(tmp_path, "memory://published/", said.append)
    assert said[-1] == "2 files of shards sent to memory://published/"
    assert shards_place("memory://published").read("manifest.json") == (tmp_path / "shards/manifest.json").read_bytes()
    assert Place("memory://published/report").read("report.json") == b"{}"
    assert Place("memory://published/report").size(CHECKED) is None


def test_steps_of_a_later_range_want_the_earlier_ones_first(weft, archive, tmp_path):
    done = weft("run", "--recipe", "tiny", "--in", archive, "--out", tmp_path, *QUIET, "--stages", "03_links..")
    assert done.code == 2
    assert done.err.count("\n") == 1
    assert "03_links needs 02_unique, which is not done" in done.err


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 64 kB; `grow` makes it larger."""
    place = tmp_path / "disk"
    place.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(place)]
    try:
        mounted = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        pytest.skip("there is no mount here")
    if os.geteuid() != 0 or mounted.returncode:
        pytest.skip(f"no file system can be mounted here: {mounted.stderr.strip()}")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


@pytest.mark.usefixtures("spark")
def test_a_disk_that_is_full_is_one_line_and_with_room_the_same_command_ends_well(weft, archive, small_disk):
    command = ("run", "--recipe", "tiny", "--in", archive, "--out", small_disk / "out", *QUIET)
    command = (*command, "--stages", "01_documents")
    ballast = small_disk / "ballast"
    ballast.write_bytes(bytes(40 << 10))
    full = weft(*command)
    assert full.code == 2, full
    assert full.err.count("\n") == 1, full.err
    assert "no space left on device" in full.err.lower()
    assert "run the same command again" in full.err
    subprocess.run(["mount", "-o", "remount,size=16m", str(small_disk)], check=True)
    done = weft(*command)
    assert done.code == 0, done
    assert "01_documents: 1 rows of documents, 1 rows of inputs" in done.out
    assert "done before" in weft(*command).out
