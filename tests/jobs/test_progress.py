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


def test_on_a_terminal_there_is_a_bar_that_a_line_clears(monkeypatch, capsys):
    screen = Terminal()
    monkeypatch.setattr(sys, "stderr", screen)
    live = Progress()
    live.tick("01_documents", 3, 6)
    bar = f"  [{'#' * 15}{'.' * 15}] 3 of 6 slices"
    assert screen.getvalue() == f"\r{bar}"
    live.tick("01_documents", 1234, None)
    assert screen.getvalue().endswith(f"\r{'  1,234 slices':{len(bar)}}")
    live.say("done")
    assert capsys.readouterr().out == "done\n"
    assert screen.getvalue().endswith("\r" + " " * len("  1,234 slices") + "\r")


@pytest.mark.parametrize(("pause", "lines"), [(0.0, "  01_documents: 3 of 6 slices\n"), (3600.0, "")])
def test_in_a_file_there_is_a_line_now_and_then(monkeypatch, capsys, pause, lines):
    monkeypatch.setattr(progress, "SECONDS_BETWEEN_LINES", pause)
    Progress().tick("01_documents", 3, 6)
    said = capsys.readouterr()
    assert (said.out, said.err) == (lines, "")
