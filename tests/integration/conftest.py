"""Whole runs of the command on a sample crawl, as a person would start them."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from demo.crawl import Crawl, write_crawl
from demo.server import ImageProxy, running

PAGES = 40
SECONDS = 1800
"""Ends a command that hangs; one that a busy machine makes slow takes a third of it."""


@pytest.fixture(scope="session")
def crawl(tmp_path_factory: pytest.TempPathFactory) -> Crawl:
    """A small crawl in two archives."""
    return write_crawl(tmp_path_factory.mktemp("crawl"), pages=PAGES, seed=11, warcs=2)


@pytest.fixture(scope="session")
def server(crawl: Crawl) -> Iterator[ImageProxy]:
    """Its images, on loopback."""
    with running(crawl.folder) as proxy:
        yield proxy


@pytest.fixture(scope="session")
def environment(server: ImageProxy) -> dict[str, str]:
    """What a command needs to find the images; gRPC would else ask the proxy for Spark Connect on loopback."""
    return {**os.environ, "http_proxy": server.url, "https_proxy": server.url, "no_proxy": "127.0.0.1,localhost"}


@pytest.fixture(scope="session")
def weft(environment: dict[str, str]) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run `weft ...` in a process of its own."""

    def run(*arguments: object, check: bool = True, **variables: str) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [sys.executable, "-m", "jobs.cli", *map(str, arguments)],
            env={**environment, **variables},
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
        if check and done.returncode:
            raise AssertionError(f"weft {arguments} ended with {done.returncode}\n{done.stdout}\n{done.stderr}")
        return done

    return run


@pytest.fixture(scope="session")
def arguments(crawl: Crawl) -> list[object]:
    """A run of the demo's recipe over the crawl, without where it goes; no report, but the books are checked."""
    return ["run", "--recipe", "tiny", "--in", *crawl.warcs, "--set", "shard.target_bytes=400_000", "--no-report"]


@pytest.fixture(scope="session")
def finished(weft: Any, arguments: list[object], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The output of one whole run on local[2], with its report."""
    folder = tmp_path_factory.mktemp("finished") / "out"
    weft(*arguments, "--out", folder, "--master", "local[2]")
    weft("report", folder)
    return folder


@pytest.fixture(scope="session")
def digest_of() -> Callable[[Path], dict[str, str]]:
    """Name and SHA-256 of every file of the shards of a run, the manifest too."""

    def digest(folder: Path) -> dict[str, str]:
        files = sorted(path for path in (folder / "shards").iterdir() if path.is_file())
        return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in files}

    return digest


@pytest.fixture(scope="session")
def digests(finished: Path, digest_of: Callable[[Path], dict[str, str]]) -> dict[str, str]:
    """What every other way of running must come to."""
    found = digest_of(finished)
    manifest = json.loads((finished / "shards" / "manifest.json").read_text())
    assert manifest["num_shards"] > 1
    assert len(found) == 2 * manifest["num_shards"] + 1
    return found
