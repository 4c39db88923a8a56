"""What each of two processes does in `test_processes.py`: replicas, shards, and a run that one process began."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import torch

from vlm.config import load_preset
from vlm.train.loop import Options, Trainer, with_steps
from vlm.train.processes import world


def preset(name: str, steps: int):
    few = ["stages.batch_size=2", "stages.seq_len=256", "stages.warmup=0", "stages.lr=1e-3", "stages.view=natural"]
    return with_steps(load_preset(name, size="tiny", overrides=few), steps)


def options(data: str, out: Path) -> Options:
    settings = {"lanes": 4, "threads": 0, "every": 1, "blind_every": 2, "checkpoint_every": 2, "live": False}
    return Options(data=(data,), out=out, **settings)


def main(data: str, out: Path) -> None:
    torch.set_num_threads(1)
    with world("ddp", 120, "cpu") as where:
        for name in ("llava15", "flamingo"):
            for strategy in ("ddp", "fsdp"):
                Trainer(preset(name, 3), options(data, out / name / strategy), replace(where, strategy=strategy)).run()
        trainer = Trainer(preset("llava15", 4), options(data, out / "llava15" / "goes-on"), where)
        assert trainer.step == 2
        trainer.run()


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
