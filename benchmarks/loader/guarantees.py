"""What the loader promises, checked at length: `python benchmarks/loader/guarantees.py [--kills 20]`.

One stream hash for 1, 2, 3, 4, 6, 8 ranks; the same after kill -9 at random moments and after 4 -> 8 -> 2 ranks;
first batch over 1,000 shards; memory over 10 epochs.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import random
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

CHILD = """
import hashlib, json, os, sys
sys.path.insert(0, sys.argv[5])
import torch; torch.set_num_threads(1)
from vlm.loader import ImageConfig, Loader, LoaderConfig
folder, state, log, steps = sys.argv[1:5]
image = ImageConfig(size=32, patch=8, tokens=4)
loader = Loader(LoaderConfig(datasets=(folder,), batch_size=24, seq_len=512, lanes=24, image=image))
if os.path.exists(state):
    loader.load_state_dict(json.load(open(state)))
for batch in loader:
    seen = hashlib.sha256(batch.tokens.numpy().tobytes() + batch.patches.float().numpy().tobytes()).hexdigest()
    with open(log, "a") as f:
        f.write(f"{batch.step} {seen}\\n")
    with open(state + ".new", "w") as f:
        json.dump(loader.state_dict(), f)
    os.replace(state + ".new", state)
    if batch.step + 1 >= int(steps):
        os._exit(0)
"""


def config_of(folder: Path, **more: Any) -> Any:
    """A small configuration."""
    from vlm.loader import ImageConfig, LoaderConfig

    image = ImageConfig(size=32, patch=8, tokens=4)
    return LoaderConfig(
        datasets=(str(folder),), **{"batch_size": 24, "seq_len": 512, "lanes": 24, "image": image, **more}
    )


def stream(folder: Path, steps: int, plan: list[tuple[int, int]]) -> str:
    """SHA-256 of the tokens of `steps` steps; `plan` has (first step, ranks), states pass as JSON between."""
    from vlm.loader import Loader, merge_states

    config, total, state, step = config_of(folder, threads=0), hashlib.sha256(), None, 0
    for (start, ranks), (stop, _) in zip(plan, [*plan[1:], (steps, 0)], strict=True):
        assert start == step
        loaders = [Loader(config, rank=r, world_size=ranks) for r in range(ranks)]
        for loader in loaders:
            if state is not None:
                loader.load_state_dict(json.loads(state))
        iterators = [iter(loader) for loader in loaders]
        for step in range(start, stop):
            parts = [next(it) for it in iterators]
            for slot in range(step * 24, step * 24 + 24):
                # slots are global: which rank has it, and which of its rows it is
                batch = parts[slot % ranks]
                total.update(batch.tokens[(slot - step * 24) // ranks].numpy().tobytes())
        step = stop
        state = json.dumps(merge_states([loader.state_dict() for loader in loaders]))
    return total.hexdigest()[:16]


def killed(folder: Path, kills: int, steps: int) -> tuple[str, str, int]:
    """Hashes of the streams of an undisturbed run and of one that is killed, and how often it was."""
    results, done = [], 0
    for wanted in (0, kills):
        with tempfile.TemporaryDirectory() as work:
            state, log = Path(work) / "state", Path(work) / "log"
            command = [sys.executable, "-c", CHILD, str(folder), str(state), str(log), str(steps), str(ROOT)]
            rng, left = random.Random(wanted), wanted
            while not log.exists() or len(log.read_text().splitlines()) < 1 or last(log) + 1 < steps:
                with subprocess.Popen(command, env=os.environ | {"OMP_NUM_THREADS": "1"}) as run:
                    if left:
                        base = last(log) if log.exists() else -1
                        goal = base + rng.randint(1, max(1, steps // (kills + 2)))
                        while run.poll() is None and (not log.exists() or last(log) < goal):
                            time.sleep(0.001)
                        time.sleep(rng.random() * 0.02)
                        if run.poll() is None:
                            run.kill()
                            done += 1
                        left -= 1
                    run.wait()
            lines = dict(line.split() for line in log.read_text().splitlines())
            assert len(lines) == steps
            results.append(hashlib.sha256(json.dumps(lines, sort_keys=True).encode()).hexdigest()[:16])
    return results[0], results[1], done


def last(log: Path) -> int:
    """The last complete step of a log, -1 for none."""
    lines = log.read_text().splitlines() if log.exists() else []
    return int(lines[-1].split()[0]) if lines else -1


def first_batch(folder: Path) -> float:
    """Seconds from the configuration to the first batch, packages imported, files in the page cache."""
    from vlm.loader import Loader

    began = time.perf_counter()
    loader = Loader(config_of(folder, batch_size=8, lanes=240, seq_len=2048))
    next(iter(loader))
    loader.close()
    return time.perf_counter() - began


def memory(folder: Path, epochs: int) -> list[int]:
    """MB of memory in use after each epoch."""
    from vlm.loader import Loader

    loader = Loader(config_of(folder))
    out, it = [], iter(loader)
    for epoch in range(epochs):
        for batch in it:
            if int(batch.sources[:, 4].min()) > epoch:
                break
        out.append(int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize() >> 20)
    loader.close()
    return out


def main() -> None:
    """Print all."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--kills", type=int, default=20)
    args = options.parse_args()
    import torch

    from benchmarks.loader.data import writer

    torch.set_num_threads(1)
    module = writer()
    with tempfile.TemporaryDirectory() as work:
        folder = module.write_shards(Path(work) / "a", module.sample_documents(400), 7)
        hashes = {ranks: stream(folder, 20, [(0, ranks)]) for ranks in (1, 2, 3, 4, 6, 8)}
        print("stream hash by ranks:", hashes, "equal" if len(set(hashes.values())) == 1 else "DIFFERENT")
        moved = stream(folder, 20, [(0, 4), (7, 8), (13, 2)])
        print("4 -> 8 -> 2 ranks:", moved, "equal" if moved == hashes[1] else "DIFFERENT")
        print("memory after each of 10 epochs, MB:", memory(folder, 10))
        many = module.write_shards(Path(work) / "b", module.sample_documents(12_000, words=300), 1000)
        print("first batch over 1,000 shards, s:", [round(first_batch(many), 2) for _ in range(3)])
        whole, again, times = killed(folder, args.kills, 3 * args.kills + 6)
        print(f"kill -9, {times} times: {again} after {whole},", "equal" if whole == again else "DIFFERENT")


if __name__ == "__main__":
    main()
