"""What `--in` names, as work items: archives to read whole, or pointers into archives.

A path is a file, a glob, a folder (searched through), `s3://`, `https://`, a `*.paths` or `*.paths.gz` list of
archives, or a Parquet of pointers. What cannot be read is said before the job starts, in one sentence.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import zlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, replace
from io import BytesIO
from itertools import pairwise
from pathlib import Path, PurePosixPath
from typing import NoReturn
from urllib.parse import unquote, urlsplit

import numpy as np

from pipeline.archive.config import Config
from pipeline.archive.members import DamageError, Source, begins_record, open_members
from pipeline.archive.pointers import read_pointers
from pipeline.archive.record import Page, Skipped, Wanted
from pipeline.archive.records import read_records
from pipeline.archive.remote import STORE_ERRORS, filesystem, is_remote, local_path, open_source
from schemas.errors import InputError

ARCHIVE_NAMES = (".warc", ".warc.gz", ".arc", ".arc.gz", ".warc.zst", ".arc.zst", ".warc.lz4")
"""What a folder is searched for; a file named by itself is taken whatever its name."""
LIST_NAMES = (".paths", ".paths.gz")
COMMON_CRAWL = "https://data.commoncrawl.org/"
_COMMON_CRAWL_NAMES = ("crawl-data/", "projects/")
_MAX_LIST_BYTES = 1 << 30
_SNIFF_BYTES = 256 << 10
_SNIFF_SECONDS = 20.0
_SNIFFED = 5
"""Remote inputs that are asked for their beginnings, at most."""
_HEAD_BYTES = 24
_NOT_NOW: tuple[type[Exception], ...] = (InputError, *STORE_ERRORS)


@dataclass(frozen=True, slots=True)
class Pointers:
    """Offsets and lengths of records, sorted by offset, kept small: two little-endian int64 a record."""

    data: bytes

    @classmethod
    def of(cls, pairs: Iterable[tuple[int, int]]) -> Pointers:
        """The pairs (offset, length), sorted."""
        return cls(np.array(sorted(set(pairs)), dtype="<i8").tobytes())

    def pairs(self) -> list[tuple[int, int]]:
        """(offset, length) of each record."""
        return [(offset, length) for offset, length in np.frombuffer(self.data, "<i8").reshape(-1, 2).tolist()]

    @property
    def num_bytes(self) -> int:
        """Sum of the lengths."""
        return int(np.frombuffer(self.data, "<i8")[1::2].sum())

    def __len__(self) -> int:
        return len(self.data) // 16


@dataclass(frozen=True, slots=True, kw_only=True)
class InputFile:
    """A work item: an archive, or some of its records."""

    path: str
    """Where it is: an absolute local path or a URL."""
    warc_filename: str
    """What it is called in the data: the name in the list or pointer, else the base name; never a local folder."""
    size_bytes: int | None = None
    """Bytes to be read, None where only the server knows."""
    pointers: Pointers | None = None
    """The records to be read; None for all."""

    def split(self, config: Config) -> tuple[InputFile, ...]:
        """The item in pieces of at most `config.max_pointers_per_item` records; a whole archive is one piece."""
        if self.pointers is None:
            return (self,)
        step = 16 * config.max_pointers_per_item
        data = self.pointers.data
        pieces = [Pointers(data[start : start + step]) for start in range(0, len(data), step)]
        return tuple(replace(self, pointers=piece, size_bytes=piece.num_bytes) for piece in pieces)

    def identity(self) -> list[str | int | None]:
        """What is read, wherever it lies: name, size, and a hash of the pointers."""
        hashed = None if self.pointers is None else hashlib.sha256(self.pointers.data).hexdigest()
        return [self.warc_filename, self.size_bytes, hashed]

    def to_json(self) -> str:
        """One line that `from_json` reads."""
        told = asdict(self) | {"pointers": None}
        if self.pointers is not None:
            told["pointers"] = base64.b64encode(self.pointers.data).decode("ascii")
        return json.dumps(told)

    @classmethod
    def from_json(cls, line: str) -> InputFile:
        """What `to_json` wrote."""
        told = json.loads(line)
        if told["pointers"] is not None:
            told["pointers"] = Pointers(base64.b64decode(told["pointers"]))
        return cls(**told)


def expand(paths: Sequence[str], config: Config | None = None) -> list[InputFile]:
    """The work items that the paths name, sorted by name and offset, each once.

    An archive is one item; pointers into one archive are as many as `config.max_pointers_per_item` makes of them.

    Raises:
        InputError: a path does not exist, is empty, matches nothing, cannot be read, or names two archives that would
            be called the same; or nothing among the local files begins like an archive.
    """
    config = config or Config()
    if not paths:
        raise InputError("no input; give archives, folders, lists or pointers with --in")
    items = {(item.path, item.pointers): item for path in paths for item in _expand_one(path, config)}
    found = sorted(items.values(), key=lambda item: (item.warc_filename, item.path))
    _refuse_equal_names(found)
    _refuse_what_is_no_archive(found)
    return [piece for item in found for piece in item.split(config)]


def read_input(
    item: InputFile, config: Config, *, num_tasks: int = 1, wanted: Wanted | None = None
) -> Iterator[Page | Skipped]:
    """The records of one work item: all of an archive, or those that its pointers name.

    Args:
        item: from `expand`, whole or split.
        config: section [read_warc].
        num_tasks: tasks of the job that read at the same time, among whom the ceiling of requests is divided.
        wanted: other records than pages; see `record.IMAGES`.

    Raises:
        OSError: a local archive cannot be read.
        InputError: a remote one cannot be had.
    """
    if item.pointers is not None:
        yield from read_pointers(item.path, item.pointers.pairs(), config, num_tasks=num_tasks, wanted=wanted)
        return
    with closing(open_source(item.path, config, num_tasks=num_tasks)) as source:
        yield from read_records(source, limits=config, wanted=wanted)


def _expand_one(path: str, config: Config) -> list[InputFile]:
    if path.lower().endswith(LIST_NAMES):
        return _from_list(path, config)
    if path.rstrip("/").lower().endswith(".parquet"):
        from pipeline.archive.pointer_table import pointer_items

        return pointer_items(path, config)
    if is_remote(path):
        return [_item(found, size) for found, size in _remote_files(path)]
    return [_item(str(file), file.stat().st_size) for file in _local_files(path)]


def _item(path: str, size: int | None) -> InputFile:
    name = PurePosixPath(unquote(urlsplit(path).path)).name if is_remote(path) else Path(path).name
    return InputFile(path=path, warc_filename=name, size_bytes=size)


def _local_files(path: str) -> list[Path]:
    """The files that a local path, folder or glob names, as absolute paths."""
    place = local_path(path).expanduser()
    try:
        if place.is_file():
            if place.stat().st_size == 0:
                raise InputError(f"{path} is empty")
            with place.open("rb"):
                return [place.absolute()]
        if place.is_dir():
            files = sorted(file for file in place.rglob("*") if _is_archive_name(file.name) and file.is_file())
            if not files:
                raise InputError(f"folder {path} holds no archive; names end in {', '.join(ARCHIVE_NAMES)}")
            return [file.absolute() for file in files]
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}") from error
    if not _is_glob(path):
        raise InputError(f"{path} does not exist")
    anchor = Path(place.anchor) if place.is_absolute() else Path()
    matches = sorted(anchor.glob(str(place.relative_to(place.anchor))))
    files = [file for match in matches for file in ([match] if match.is_file() else _archives_in(match))]
    if not files:
        raise InputError(f"{path} matches no file")
    return [file.absolute() for file in files]


def _archives_in(folder: Path) -> list[Path]:
    return sorted(file for file in folder.rglob("*") if _is_archive_name(file.name) and file.is_file())


def _remote_files(path: str) -> Iterator[tuple[str, int | None]]:
    """URLs and sizes of what a URL names; only stores (`s3://`, ...) can list a folder or match a glob."""
    if path.startswith(("http://", "https://")):
        yield path, None
        return
    try:
        fs, place = filesystem(path)
        if _is_glob(path):
            found = sorted(name for name in fs.glob(place) if fs.isfile(name))
        elif fs.isfile(place):
            found = [place]
        else:
            found = sorted(name for name in fs.find(place) if _is_archive_name(name))
        sizes = [int(fs.size(name)) for name in found]
    except STORE_ERRORS as error:
        raise InputError(f"{path} cannot be listed: {error}") from error
    if not found:
        raise InputError(f"{path} does not exist or holds no archive; names end in {', '.join(ARCHIVE_NAMES)}")
    yield from ((fs.unstrip_protocol(name), size) for name, size in zip(found, sizes, strict=True))


def _from_list(path: str, config: Config) -> list[InputFile]:
    """The archives that a `*.paths` list names, one a line; blank lines and lines that begin with # are left out."""
    try:
        with closing(open_source(str(path), config)) as source:
            data = b"".join(iter(lambda: source.read(1 << 20), b""))
        text = (_gunzip(data) if path.lower().endswith(".gz") else data).decode("utf-8")
    except OSError as error:
        raise InputError(f"list {path} cannot be read: {error.strerror or error}") from error
    except (zlib.error, EOFError, UnicodeDecodeError) as error:
        raise InputError(f"list {path} is not a list of names: {error}") from error
    names = [name for line in text.splitlines() if (name := line.strip()) and not name.startswith("#")]
    if not names:
        raise InputError(f"list {path} is empty")
    items = [resolve(name, config, str(path)) for name in names]
    missing = [item.path for item in items if not is_remote(item.path) and not Path(item.path).is_file()]
    if missing:
        raise InputError(
            f"list {path} names {len(missing)} files that do not exist, first {missing[0]}; set read_warc.base?"
        )
    return items


def resolve(name: str, config: Config, listed_in: str) -> InputFile:
    """The archive that a list or pointer calls `name`.

    A relative name is looked up under `config.base`; without one, beside the list, where it is; else Common Crawl's
    names on its public server. An absolute local path loses its folder in the data.
    """
    if is_remote(name):
        return InputFile(path=name, warc_filename=name.removeprefix(COMMON_CRAWL))
    if name.startswith(("/", "file://")):
        place = local_path(name)
        return InputFile(path=str(place), warc_filename=place.name, size_bytes=_size(place))
    base = config.base
    if not base:
        folder = listed_in.rpartition("/")[0] if is_remote(listed_in) else str(local_path(listed_in).absolute().parent)
        is_beside = is_remote(folder) or (Path(folder) / name).is_file()
        is_common_crawl = name.startswith(_COMMON_CRAWL_NAMES)
        base = COMMON_CRAWL if is_common_crawl and (is_remote(folder) or not is_beside) else folder
    if is_remote(base):
        return InputFile(path=f"{base.rstrip('/')}/{name}", warc_filename=name)
    place = local_path(base).expanduser().absolute() / name
    return InputFile(path=str(place), warc_filename=name, size_bytes=_size(place))


def _size(place: Path) -> int | None:
    return place.stat().st_size if place.is_file() else None


def _gunzip(data: bytes) -> bytes:
    unpacked = gzip.decompress(data)
    if len(unpacked) > _MAX_LIST_BYTES:
        raise EOFError("more than 1 GiB of names")
    return unpacked


def _is_archive_name(name: str) -> bool:
    return name.lower().endswith(ARCHIVE_NAMES)


def _is_glob(path: str) -> bool:
    return any(sign in path for sign in "*?[")


def _refuse_equal_names(items: list[InputFile]) -> None:
    """Records are told apart by archive name and offset, so no two archives may share a name."""
    for one, other in pairwise(items):
        if one.warc_filename == other.warc_filename:
            raise InputError(
                f"{one.path} and {other.path} are both called {one.warc_filename} in the data, so their records "
                "could not be told apart; rename one, or give both by a *.paths list with their folders"
            )


def _refuse_what_is_no_archive(items: list[InputFile]) -> None:
    if any(is_remote(item.path) or item.pointers or _begins_like_an_archive(item.path) for item in items):
        return
    with Path(items[0].path).open("rb") as file:
        _refuse(items, file.read(_HEAD_BYTES))


def check_remote(items: Sequence[InputFile], config: Config) -> None:
    """Raise where nothing among the inputs begins like an archive, the remote ones asked for their beginnings.

    One answer that does is enough, and so is one that cannot be had now: reading it has patience, this has none.

    Raises:
        InputError: names the first, and how it begins.
    """
    remote = [item for item in items if is_remote(item.path)]
    local = [item for item in items if not is_remote(item.path)]
    if not remote or any(item.pointers or _begins_like_an_archive(item.path) for item in local):
        return
    impatient = replace(config, max_wait_s=0.0, timeout_s=min(config.timeout_s, _SNIFF_SECONDS))
    heads: list[bytes] = []
    for item in remote[:_SNIFFED]:
        if item.pointers:
            return
        try:
            with closing(open_source(item.path, impatient, end=_SNIFF_BYTES)) as source:
                head = b"".join(iter(lambda: source.read(_SNIFF_BYTES), b""))
        except _NOT_NOW:
            return
        if _is_archive(BytesIO(head)):
            return
        heads.append(head)
    if len(heads) == len(remote):
        _refuse(remote + local, heads[0][:_HEAD_BYTES])


def _refuse(items: Sequence[InputFile], head: bytes) -> NoReturn:
    others = f" nor is any of the other {len(items) - 1} inputs" if len(items) > 1 else " check the path"
    begins = f"it begins with {head!r}" if head else "it is empty"
    raise InputError(f"{items[0].path} is no WARC or ARC file ({begins}),{others}")


def _begins_like_an_archive(path: str) -> bool:
    with Path(path).open("rb", buffering=0) as file:
        return _is_archive(file)


def _is_archive(file: Source) -> bool:
    """Whether a record begins in the first part of a file; a broken compressed one gets the benefit of doubt."""
    try:
        members = open_members(file)
        head = members.read(_SNIFF_BYTES) if members.next_member() else b""
    except DamageError:
        return True
    return begins_record(head) or b"\nWARC/" in head
