"""One folder for a GPU machine without a network: the wheels that it may lack, and a small dataset; under 64 MiB.

    python benchmarks/loader/gpu_bundle.py OUT

There, in a checkout beside OUT:

    pip install --no-index --no-deps --target OUT/site OUT/wheels/*.whl
    PYTHONPATH=OUT/site python -m pytest -m gpu tests/vlm/loader
    PYTHONPATH=OUT/site python benchmarks/loader/gpu.py     # draws more; --data OUT/shards takes these
    PYTHONPATH=OUT/site python benchmarks/trainer/gpu.py

torch, torchvision, triton, numpy and Pillow are taken to be there, and transformers and timm for all but the tests; the
wheels are for Python 3.12 on x86-64 Linux.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
LIMIT_BYTES = 64 << 20
WHEELS = (
    "pyarrow",
    "fsspec",
    "pytest",
    "pytest-timeout",
    "pluggy",
    "iniconfig",
    "pygments",
    "hypothesis",
    "sortedcontainers",
    "open_clip_torch",
    "ftfy",
    "wcwidth",
)


def main() -> None:
    """Make the folder, and fail if it is too large."""
    out = Path(sys.argv[1])
    wheels = out / "wheels"
    wheels.mkdir(parents=True, exist_ok=True)
    platforms = [f"--platform=manylinux_2_{n}_x86_64" for n in (28, 27, 17)] + ["--platform=manylinux2014_x86_64"]
    pip = next(p for p in (sys.executable, f"{sys.base_prefix}/bin/python3") if _has_pip(p))
    options = ["--no-deps", "--only-binary=:all:", "--python-version=3.12", "--implementation=cp", *platforms]
    subprocess.run([pip, "-m", "pip", "download", "-q", *options, "-d", str(wheels), *WHEELS], check=True)
    sys.path.insert(0, str(ROOT))
    from benchmarks.loader.data import whole

    whole(out / "shards", 40, 4, pictures=30)
    size = sum(f.stat().st_size for f in out.rglob("*") if f.is_file())
    print(f"{out}: {size / 2**20:.1f} MiB, {len(list(wheels.iterdir()))} wheels")
    if size > LIMIT_BYTES:
        sys.exit(f"over {LIMIT_BYTES >> 20} MiB")


def _has_pip(python: str) -> bool:
    return subprocess.run([python, "-m", "pip", "--version"], capture_output=True, check=False).returncode == 0


if __name__ == "__main__":
    main()
