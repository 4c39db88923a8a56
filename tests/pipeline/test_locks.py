"""Who makes a step holds its lock, and nobody has to clean up behind a process that was killed."""

from __future__ import annotations

import errno
import fcntl
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline.locks import FOLDER, Locks
from schemas.errors import OutputError

HOLDER = """
import subprocess, sys
from pathlib import Path
from pipeline.locks import Locks

locks = Locks(Path(sys.argv[1]))
locks.take(["shards"])
child = subprocess.Popen(["sleep", "60"])  # as Spark's Java outlives its driver for a while
print(child.pid, flush=True)
sys.stdin.read()
"""


def test_a_step_is_held_by_one_and_named_to_the_other(tmp_path):
    with Locks(tmp_path) as mine, Locks(tmp_path) as other:
        mine.take(["04_images/files"])
        with pytest.raises(
            OutputError, match=rf"04_images/files of {tmp_path} is in the hands .*process {os.getpid()} on"
        ):
            other.take(["04_images/files"])
        mine.release("04_images/files")
        other.take(["04_images/files"])


def test_all_that_is_asked_for_is_taken_or_nothing(tmp_path):
    with Locks(tmp_path) as mine, Locks(tmp_path) as other:
        mine.take(["b"])
        with pytest.raises(OutputError):
            other.take(["a", "b", "c"])
        mine.take(["a", "b", "c"])
        with pytest.raises(OutputError):
            other.take(["c"])


def test_a_folder_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / FOLDER).write_text("in the way")
    with Locks(tmp_path) as mine, pytest.raises(OutputError, match=r"\.locks/shards\.json cannot be written: "):
        mine.take(["shards"])


def test_other_steps_and_other_folders_are_free(tmp_path):
    with Locks(tmp_path / "x") as mine, Locks(tmp_path / "x") as other, Locks(tmp_path / "y") as elsewhere:
        mine.take(["01_documents"])
        other.take(["05_matches/matches"])
        elsewhere.take(["01_documents"])


def test_the_lock_goes_with_a_holder_that_is_killed_and_not_with_its_children(tmp_path, root):
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path)],
        cwd=root,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert holder.stdout is not None
    child = int(holder.stdout.readline())
    try:
        with Locks(tmp_path) as mine:
            with pytest.raises(OutputError, match=f"process {holder.pid} on"):
                mine.take(["shards"])
            holder.send_signal(signal.SIGKILL)
            holder.wait(30)
            assert Path(f"/proc/{child}").exists()
            mine.take(["shards"])
    finally:
        holder.kill()
        os.kill(child, signal.SIGKILL)
        holder.communicate()


def test_a_note_that_cannot_be_read_costs_the_name_only(tmp_path):
    with Locks(tmp_path) as mine, Locks(tmp_path) as other:
        mine.take(["shards"])
        (tmp_path / FOLDER / "shards.json").write_text("[")
        with pytest.raises(OutputError, match="in the hands of another run; run this again"):
            other.take(["shards"])


def test_a_file_system_without_locks_is_told_and_others_errors_are_raised(tmp_path, monkeypatch):
    said: list[str] = []

    def refuse(number):
        def flock(_handle, _how):
            raise OSError(number, os.strerror(number))

        monkeypatch.setattr(fcntl, "flock", flock)

    refuse(errno.EOPNOTSUPP)
    with Locks(tmp_path, said.append) as mine:
        mine.take(["shards"])
    assert said == [f"the file system of {tmp_path} knows no locks: see that no other run writes there"]
    refuse(errno.EIO)
    with Locks(tmp_path) as mine, pytest.raises(OSError, match="Input/output"):
        mine.take(["shards"])
