"""What img2dataset has downloaded, as answers: its finished shards are read, nothing is fetched.

For folders that people have already (`--output_format webdataset`, `files` or `parquet`) and for the engine
that runs it. A shard counts where its Parquet file is complete, which img2dataset writes last.
"""

from __future__ import annotations

import datetime
import hashlib
import re
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.fetch.answers import DETAIL_LENGTH, Answer, status_of_code
from pipeline.fetch.config import Config
from pipeline.fetch.request import judge_bytes
from schemas.errors import InputError
from schemas.reasons import FetchStatus

_IMAGE_SUFFIXES = ("jpg", "jpeg", "png", "webp", "gif", "avif")
_MESSAGES: tuple[tuple[str, FetchStatus], ...] = (
    (r"X-Robots-Tag", FetchStatus.OPTED_OUT),
    (r"Name or service not known|No address associated|name resolution|getaddrinfo", FetchStatus.DNS),
    (r"certificate|SSL|TLS", FetchStatus.TLS),
    (r"timed out|timeout", FetchStatus.TIMEOUT),
    (r"infinite loop|redirect error", FetchStatus.REDIRECT_LOOP),
    (r"IncompleteRead", FetchStatus.TRUNCATED),
    (r"image decoding error|cannot identify", FetchStatus.DECODE_ERROR),
    (r"Remote end closed|Connection|refused|unreachable|Tunnel|No route", FetchStatus.CONNECT),
)
"""First match wins. The texts are those of urllib, http.client and OpenSSL, which img2dataset keeps as they
are."""


def read_output(folder: Path, config: Config) -> Iterator[Answer]:
    """An answer for each row of each finished shard under `folder`.

    Bytes that were encoded again stand as they are: img2dataset keeps the originals only with
    `--disable_all_reencoding`, and the ledger cannot tell.

    Raises:
        InputError: no Parquet file of img2dataset is there.
    """
    tables = sorted(path for path in folder.glob("*.parquet") if re.fullmatch(r"\d+", path.stem))
    if not tables:
        raise InputError(f"{folder} holds no output of img2dataset: there is no 00000.parquet in it")
    for path in tables:
        yield from read_shard(path, config)


def read_shard(path: Path, config: Config) -> Iterator[Answer]:
    """An answer for each row of one shard, named by its Parquet file; none where that was cut short."""
    table = read_table(path)
    if table is not None:
        yield from _shard(path, table, config)


def status_of_message(message: str) -> tuple[FetchStatus, int | None]:
    """The class of an error message of img2dataset, and the HTTP code if it names one."""
    found = re.match(r"HTTP Error (\d{3})", message)
    if found and "infinite loop" not in message:
        status = status_of_code(int(found[1]))
        return (FetchStatus.HTTP_OTHER if status is FetchStatus.OK else status), int(found[1])
    for pattern, status in _MESSAGES:
        if re.search(pattern, message, re.IGNORECASE):
            return status, int(found[1]) if found else None
    return FetchStatus.PROTOCOL, None


def read_table(path: Path) -> pa.Table | None:
    """The table, None for one whose writing was cut short."""
    try:
        return pq.read_table(path)
    except pa.ArrowInvalid:
        return None


def _shard(path: Path, table: pa.Table, config: Config) -> Iterator[Answer]:
    rows = {row["key"]: row for row in table.to_pylist()}
    when = datetime.datetime.fromtimestamp(path.stat().st_mtime, datetime.UTC)
    if "jpg" in table.column_names:  # output_format parquet keeps the bytes in a column
        for row in rows.values():
            yield _answer(row, row["jpg"], when, config)
        return
    for key, data in members_of(path):
        row = rows.pop(key, None)
        if row is not None:
            yield _answer(row, data, when, config)
    for row in rows.values():
        yield _answer(row, None, when, config)


def members_of(path: Path) -> Iterator[tuple[str, bytes]]:
    """Key and bytes of each image beside the Parquet file of a shard, in a tar or a folder."""
    tar, folder = path.with_suffix(".tar"), path.with_suffix("")
    if tar.exists():
        with tarfile.open(tar) as members:
            for member in members:
                key, _, suffix = member.name.partition(".")
                file = members.extractfile(member)
                if suffix in _IMAGE_SUFFIXES and file is not None:
                    yield key, file.read()
    elif folder.is_dir():
        for image in sorted(folder.iterdir()):
            if image.suffix[1:] in _IMAGE_SUFFIXES:
                yield image.stem, image.read_bytes()


def _answer(row: dict[str, Any], data: bytes | None, when: datetime.datetime, config: Config) -> Answer:
    message = row.get("error_message")
    code: int | None = None
    if data is None:
        status, code = status_of_message(message or "no bytes")
        detail = message
    elif len(data) > config.max_bytes:
        status, detail = FetchStatus.TOO_LARGE, f"{len(data)} bytes"
    else:
        status, detail = judge_bytes(data, min_bytes=config.min_bytes, max_pixels=config.max_pixels)
        code = 200
    kept = data if status is FetchStatus.OK else None
    return Answer(
        url=row["url"],
        status=status,
        http_status=code,
        attempts=1,
        final_url=None,  # img2dataset does not say
        num_bytes=len(data or b""),
        fetched_at=when,
        sha256=hashlib.sha256(kept).hexdigest() if kept is not None else None,
        data=kept,
        detail=detail[:DETAIL_LENGTH] if detail else None,
    )
