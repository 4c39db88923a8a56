"""Values on the command line that are checked where they are read: what is wrong is one line and exit code 2."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

from schemas.errors import ConfigError, OutputError

WHOLE_MOST = (1 << 63) - 1


def whole(option: str, least: int = 1) -> Callable[[str], int]:
    """Reads a whole number of at least `least`; for `type=` of argparse.

    The function raises ConfigError where the text is something else.
    """

    def read(text: str) -> int:
        try:
            number = int(text)
        except ValueError:
            raise ConfigError(f"{option} {text}: want a whole number") from None
        if not least <= number <= WHOLE_MOST:
            raise ConfigError(f"{option} {text}: want a whole number of {least} or more")
        return number

    return read


def real(option: str, least: float, most: float = math.inf) -> Callable[[str], float]:
    """Reads a number in [least, most]; for `type=` of argparse.

    The function raises ConfigError where the text is something else.
    """
    bounds = f"of {least:g} or more" if math.isinf(most) else f"from {least:g} to {most:g}"

    def read(text: str) -> float:
        try:
            number = float(text)
        except ValueError:
            raise ConfigError(f"{option} {text}: want a number {bounds}") from None
        if not least <= number <= most or math.isinf(number):
            raise ConfigError(f"{option} {text}: want a number {bounds}")
        return number

    return read


def location(option: str) -> Callable[[str], str]:
    """Reads the name of a file or folder, or an address; the empty text, which would be this folder, is none."""

    def read(text: str) -> str:
        if not text.strip() or "\0" in text:
            raise ConfigError(f"{option} is empty: name a folder or file; . is the one that you are in")
        return text

    return read


def local(option: str) -> Callable[[str], Path]:
    """The same as a path."""
    read = location(option)
    return lambda text: Path(read(text))


def new_file(option: str) -> Callable[[str], Path]:
    """Reads the path of a file that can be written; for `type=` of argparse.

    The function raises ConfigError where a folder stands there, or no folder is there to hold it.
    """
    read = local(option)

    def check(text: str) -> Path:
        path = read(text)
        if path.is_dir():
            raise ConfigError(f"{option} {text}: this is a folder; name a file in it")
        if not path.parent.is_dir():
            raise ConfigError(f"{option} {text}: there is no folder {path.parent}")
        return path

    return check


def writable(folder: Path) -> None:
    """Make sure, before anything starts, that the output can be written.

    Raises:
        OutputError: it is a file, or cannot be made or written.
        ConfigError: it is no local or shared folder.
    """
    if "://" in str(folder) or str(folder).startswith(("s3:/", "https:/", "gs:/")):
        raise ConfigError(f"{folder}: must be a folder on a local or shared file system")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / ".weft-can-write"
        probe.write_bytes(b"")
        probe.unlink()
    except OSError as error:
        raise OutputError(f"--out {folder} cannot be written: {error.strerror}") from error
