"""The virtual environment of a peer: pinned in benchmarks/peers/NAME.txt, made once outside of the repository.

python benchmarks/peers/environment.py datatrove      prints the path of its Python
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent


def python_of(name: str) -> Path:
    """Path of the Python in the environment of a peer, made where it is not there yet.

    It lies under WEFT_PEERS, or a folder of that kind among temporary files; a changed list makes a new one.
    """
    folder, python = _place(name), _place(name) / "bin/python"
    if not is_made(name):
        shutil.rmtree(folder, ignore_errors=True)
        _make(folder, python, HERE / f"{name}.txt")
        (folder / "complete").touch()
    return python


def is_made(name: str) -> bool:
    """Whether the environment is there, so that nothing has to be installed."""
    return (_place(name) / "complete").exists()


def _place(name: str) -> Path:
    digest = hashlib.sha256((HERE / f"{name}.txt").read_bytes()).hexdigest()[:8]
    root = Path(os.environ.get("WEFT_PEERS", Path(tempfile.gettempdir()) / "weft-peers"))
    return root / f"{name}-{digest}"


def _make(folder: Path, python: Path, pins: Path) -> None:
    uv = shutil.which("uv") or shutil.which("uv", path=str(Path(sys.executable).parent))
    if uv:
        subprocess.run([uv, "venv", "-q", "-p", sys.executable, str(folder)], check=True)
        subprocess.run([uv, "pip", "install", "-q", "-p", str(python), "-r", str(pins)], check=True)
    else:
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
        subprocess.run([str(python), "-m", "pip", "install", "-q", "-r", str(pins)], check=True)


if __name__ == "__main__":
    print(python_of(sys.argv[1]))
