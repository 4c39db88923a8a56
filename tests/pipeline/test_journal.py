import signal
import subprocess
import sys
import textwrap

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.journal import SILENT_DEATHS, Journal, blamed
from schemas.reasons import DocumentReason

DEATHS = {
    "segfault": ("import ctypes; ctypes.string_at(0)", DocumentReason.CRASHED),
    "abort": ("import os; os.abort()", DocumentReason.CRASHED),
    "sleeps in C with the GIL held": (
        "import ctypes; ctypes.PyDLL(None).usleep(30_000_000)",
        DocumentReason.OVER_TIME,
    ),
}


def attempt(path, body, seconds=1.0):
    """A process that notes records 1 and 2 and does `body` at the second."""
    program = f"""
    from pathlib import Path
    from pipeline.journal import Journal
    journal = Journal(Path({str(path)!r}), seconds={seconds})
    with journal.watching(1 << 30):
        journal.note("1")
        journal.note("2")
        if "2" not in journal.blamed:
            {body}
    journal.finish()
    """
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)], capture_output=True, text=True, timeout=30, check=False
    )


@pytest.mark.parametrize("death", DEATHS)
@pytest.mark.slow
def test_the_record_that_kills_is_blamed_at_once_and_then_passed_over(tmp_path, death):
    body, reason = DEATHS[death]
    path = tmp_path / "s.log"
    assert attempt(path, body).returncode != 0
    assert blamed(path.read_text("utf-8", "replace")) == {"2": reason}
    assert attempt(path, body).returncode == 0
    assert not path.exists()


def test_a_record_is_blamed_for_silence_only_when_it_happens_again_and_again(tmp_path):
    path = tmp_path / "s.log"
    for death in range(1, SILENT_DEATHS + 1):
        assert attempt(path, "import os, signal; os.kill(os.getpid(), signal.SIGKILL)").returncode == -signal.SIGKILL
        expected = {"2": DocumentReason.CRASHED} if death == SILENT_DEATHS else {}
        assert blamed(path.read_text()) == expected


def test_ten_gigabytes_are_a_memory_error_and_not_the_end(tmp_path):
    body = "\n            ".join(["try:", "    bytes(10 << 30)", "except MemoryError:", "    print('refused')"])
    done = attempt(tmp_path / "s.log", body)
    assert (done.returncode, done.stdout) == (0, "refused\n")


def test_a_process_that_ends_on_its_own_accord_blames_nobody(tmp_path):
    path = tmp_path / "s.log"
    for _ in range(SILENT_DEATHS + 1):
        journal = Journal(path, seconds=5)
        journal.note("7")
        journal.close()
    assert blamed(path.read_text()) == {}


def test_limits_of_the_process_are_as_before_afterwards(tmp_path):
    import resource

    before = resource.getrlimit(resource.RLIMIT_DATA)
    journal = Journal(tmp_path / "s.log", seconds=5)
    with journal.watching(1 << 30):
        assert resource.getrlimit(resource.RLIMIT_DATA) != before
    journal.finish()
    assert resource.getrlimit(resource.RLIMIT_DATA) == before


def test_nobody_is_blamed_for_what_happens_between_records(tmp_path):
    path = tmp_path / "s.log"
    journal = Journal(path, seconds=5)
    journal.note("7")
    journal.rest()
    notes = path.read_text() + "Fatal Python error: Segmentation fault\n"
    assert blamed(notes) == {}
    assert blamed(notes + "attempt 1\nrecord 8\nTimeout (0:00:05)!\n") == {"8": DocumentReason.OVER_TIME}
    journal.close()


def test_an_attempt_after_an_unfinished_one_knows_that_it_is(tmp_path):
    first = Journal(tmp_path / "s.log", seconds=5)
    first.close()
    second = Journal(tmp_path / "s.log", seconds=5)
    assert (first.is_retry, second.is_retry) == (False, True)
    second.finish()


@given(st.text())
def test_no_text_in_a_journal_is_an_error(text):
    assert isinstance(blamed(text), dict)
