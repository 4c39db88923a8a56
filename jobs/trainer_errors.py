"""The trainer's errors as the command's: what the user can mend, what the run says; a lost rank has its own code."""

from __future__ import annotations

import argparse
import os
import shlex
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from schemas.errors import ConfigError, InputError, WeftError

RANK_LOST = 75
"""Exit code of a process that lost another one: EX_TEMPFAIL, the same command goes on."""


def _command() -> str:
    """What a shell takes to start this process, and those that torchrun started beside it, again.

    Without --rollback: it was done, and would now delete what was trained since.
    """
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("--rollback")
    words = parser.parse_known_args(sys.argv[1:])[1]
    beside = os.environ.get("LOCAL_WORLD_SIZE")
    if beside is None:
        return shlex.join(["weft", *words])
    nodes = os.environ.get("GROUP_WORLD_SIZE", "1")
    more = [] if nodes == "1" else [f"--nnodes={nodes}"]
    return shlex.join(["torchrun", *more, f"--nproc-per-node={beside}", "-m", "jobs.train", *words])


@contextmanager
def told() -> Iterator[None]:
    """Turn the errors of `vlm` into those that `jobs.cli` knows."""
    from vlm import errors
    from vlm.loader import LoaderError

    try:
        yield
    except errors.PresetError as error:
        raise ConfigError(str(error)) from error
    except (errors.DataError, errors.CheckpointError, LoaderError) as error:
        raise InputError(str(error)) from error
    except errors.RankLost as error:
        print(f"weft: {error}\nweft: go on with the same command: {_command()}", file=sys.stderr)
        raise SystemExit(RANK_LOST) from error
    except (FileNotFoundError, FileExistsError, IsADirectoryError, NotADirectoryError, PermissionError) as error:
        raise InputError(f"{error.filename}: {error.strerror}") from error  # an --out that cannot be written, say
    except errors.TrainerError as error:
        raise WeftError(str(error)) from error
