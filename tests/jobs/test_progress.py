"""How a long command speaks to a person and to a file."""

from __future__ import annotations

import io
import sys

import pytest

from jobs import progress
from jobs.progress import Progress


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture
def clock(monkeypatch):
    """Seconds that a test sets."""
    now = [1000.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    return now


def test_on_a_terminal_there_is_a_bar_that_a_line_clears(monkeypatch, capsys, clock):
    screen = Terminal()
    monkeypatch.setattr(sys, "stderr", screen)
    live = Progress()
    live.tick("01_documents", 3, 6)
    bar = f"  [{'#' * 15}{'.' * 15}] 3 of 6 slices, 0 s"
    assert screen.getvalue() == f"\r{bar}"
    clock[0] += 75
    live.tick("01_documents", 1234, None)
    assert screen.getvalue().endswith(f"\r{'  1,234 slices, 75 s':{len(bar)}}")
    live.say("done")
    assert capsys.readouterr().out == "done\n"
    assert screen.getvalue().endswith("\r" + " " * len("  1,234 slices, 75 s") + "\r")


@pytest.mark.parametrize(
    ("slices", "line"), [((3, 6), "3 of 6 slices, 40 s"), ((0, 6), "0 of 6 slices, 40 s"), ((0, None), "40 s")]
)
def test_in_a_file_there_is_a_line_now_and_then(capsys, clock, slices, line):
    plain = Progress()
    plain.tick("02_unique", 5, 5)
    clock[0] += 25
    plain.tick("03_links", *slices)
    assert capsys.readouterr().out == ""
    clock[0] += 40
    plain.tick("03_links", *slices)
    plain.tick("03_links", *slices)
    said = capsys.readouterr()
    assert (said.out, said.err) == (f"  03_links: {line}\n", "")
