"""A small archive, the command in this process, and an output folder that is half done."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from jobs.cli import main
from pipeline.archive.inputs import expand
from pipeline.documents import input_slices
from pipeline.flow import FLOW
from pipeline.recipe import load
from pipeline.run import Run

QUIET = ("clip.model=none", "nsfw.model=none")
PAGE = "<!doctype html><html lang=en><head><title>Tea</title></head><body><h1>Tea</h1>{}</body></html>".format(
    "".join(
        f"<p>Pour boiling water over the leaves of pot number {n}, wait for {n + 3} minutes, and taste it before the "
        "guests arrive, because a strong tea wants more milk than a weak one.</p>"
        for n in range(1, 9)
    )
)


@pytest.fixture(scope="session")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One page in one archive."""
    block = b"HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\n\r\n" + PAGE.encode()
    head = (
        "WARC/1.0\r\nWARC-Type: response\r\nWARC-Target-URI: http://tea.example/\r\nWARC-Date: 2024-05-18T04:10:07Z\r\n"
        f"Content-Type: application/http; msgtype=response\r\nContent-Length: {len(block)}\r\n\r\n"
    )
    path = tmp_path_factory.mktemp("archive") / "tea.warc.gz"
    path.write_bytes(gzip.compress(head.encode() + block + b"\r\n\r\n", mtime=0))
    return path


@pytest.fixture
def weft(capsys: pytest.CaptureFixture[str]) -> Callable[..., SimpleNamespace]:
    """Run `weft ...` here: its exit code and what it said."""

    def run(*arguments: object) -> SimpleNamespace:
        capsys.readouterr()
        try:
            code: Any = main([*map(str, arguments)])
        except SystemExit as end:  # argparse
            code = end.code
        said = capsys.readouterr()
        return SimpleNamespace(code=code, out=said.out, err=said.err)

    return run


@pytest.fixture
def begun(tmp_path: Path, archive: Path) -> Run:
    """A run that `weft run` would find begun: what stands in run.json, nothing done yet."""

    def no_session() -> Any:
        raise AssertionError("this test must do without Spark")

    run = Run(
        folder=tmp_path / "out",
        recipe=load("tiny", QUIET),
        steps=FLOW,
        inputs=input_slices(expand([str(archive)])),
        start_session=no_session,
    )
    run.folder.mkdir()
    run.save([str(archive)])
    return run
