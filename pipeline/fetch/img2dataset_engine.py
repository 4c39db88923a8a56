"""The other engine: img2dataset in a process of its own, its output read back as answers.

What it cannot do (docs/images.md says it to users): robots.txt, limits of a host, a limit of bytes,
Retry-After, checks of addresses. A server that sends without end would fill the memory; the process is
therefore bounded in memory and in time, and what it had not finished then is `timeout`.
"""

from __future__ import annotations

import contextlib
import datetime
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.fetch.answers import Answer
from pipeline.fetch.block_lists import Registry
from pipeline.fetch.config import Config
from pipeline.fetch.img2dataset_output import read_output
from schemas.errors import InputError, StepFailed
from schemas.reasons import FetchStatus

START_S = 60.0
"""Seconds that its imports and process pool may take."""
MEMORY_BYTES = 8 << 30
"""Address space of its process."""
_PROGRAM = """
import json, resource, sys
settings = json.load(open(sys.argv[1]))
memory = settings.pop("memory")
resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
from img2dataset import download
if __name__ == "__main__":
    download(**settings)
"""


def fetch(urls: Sequence[str], config: Config, registry: Registry | None = None) -> Iterator[Answer]:
    """One answer for each distinct URL, after img2dataset has tried all.

    Raises:
        StepFailed: img2dataset is not installed, or ended without any output.
    """
    distinct = []
    for url in dict.fromkeys(urls):
        if registry and (why := registry.blocks_url(url)):
            yield _answer(url, FetchStatus.BLOCKED_BY_LIST, why)
        else:
            distinct.append(url)
    if not distinct:
        return
    with tempfile.TemporaryDirectory(prefix="weft-img2dataset-") as name:
        folder = Path(name)
        ended = _download(distinct, folder, config)
        left = dict.fromkeys(distinct)
        try:
            for answer in read_output(folder / "images", config):
                if answer.url in left:
                    del left[answer.url]
                    why = registry.blocks_bytes(answer.data) if registry and answer.data else None
                    if why is not None:
                        answer = replace(answer, status=FetchStatus.BLOCKED_BY_LIST, data=None, detail=why)
                    yield answer
        except InputError as error:
            raise StepFailed(f"img2dataset wrote nothing: {ended}") from error
        for url in left:
            yield _answer(url, FetchStatus.TIMEOUT, ended)


def _answer(url: str, status: FetchStatus, detail: str) -> Answer:
    return Answer(url=url, status=status, fetched_at=datetime.datetime.now(datetime.UTC), detail=detail)


def _download(urls: list[str], folder: Path, config: Config) -> str:
    """Run img2dataset over the URLs; a line about how it ended."""
    pq.write_table(pa.table({"url": urls}), folder / "urls.parquet")
    settings: dict[str, Any] = {
        "memory": MEMORY_BYTES,
        "url_list": str(folder / "urls.parquet"),
        "input_format": "parquet",
        "output_folder": str(folder / "images"),
        "output_format": "webdataset",
        "resize_mode": "no",
        "disable_all_reencoding": True,
        "extract_exif": False,
        "compute_hash": None,
        "processes_count": 1,
        "thread_count": config.concurrency,
        "number_sample_per_shard": min(1_000, max(10, len(urls) // 10)),
        "timeout": max(1, round(config.deadline_s)),
        "retries": config.retries,
        "user_agent_token": config.agent,
        "disallowed_header_directives": list(config.opt_out_directives),
    }
    (folder / "settings.json").write_text(json.dumps(settings))
    (folder / "program.py").write_text(_PROGRAM)
    rounds = -(-len(urls) // config.concurrency)
    limit_s = START_S + rounds * config.deadline_s * (config.retries + 1)
    # It imports wandb, which makes temporary folders at once; a process that is ended leaves them where they are.
    environment = {**os.environ, "NO_ALBUMENTATIONS_UPDATE": "1", "TMPDIR": str(folder)}
    command = [sys.executable, str(folder / "program.py"), str(folder / "settings.json")]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            command, stdout=log, stderr=subprocess.STDOUT, env=environment, start_new_session=True
        )
        try:
            code = process.wait(limit_s)
        except subprocess.TimeoutExpired:
            return f"img2dataset was ended after {limit_s:.0f} s"
        finally:
            _end(process)
    tail = (folder / "log").read_text("utf-8", "replace").strip().splitlines()[-1:]
    return f"img2dataset ended with code {code}: {' '.join(tail)}"[:200]


def _end(process: subprocess.Popen[bytes]) -> None:
    """End the process and the workers that it started."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
