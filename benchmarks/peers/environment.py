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
    pins = HERE / f"{name}.txt"
    digest = hashlib.sha256(pins.read_bytes()).hexdigest()[:8]
    root = Path(os.environ.get("WEFT_PEERS", Path(tempfile.gettempdir()) / "weft-peers"))
    folder = root / f"{name}-{digest}"
    python = folder / "bin/python"
    if not (folder / "complete").exists():
        shutil.rmtree(folder, ignore_errors=True)
        _make(folder, python, pins)
        (folder / "complete").touch()
    return python


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
