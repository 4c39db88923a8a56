"""weft train: train a vision-language model on shards; with several GPUs: torchrun --nproc-per-node 8 -m jobs.train"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from jobs.trainer_errors import told

if TYPE_CHECKING:
    from vlm.config import Preset
    from vlm.train.loop import Options


def main(argv: Sequence[str] | None = None) -> int:
    """Train all stages of a preset; the same command goes on where an earlier one was."""
    arguments = _parser().parse_args(argv)
    with told():
        if arguments.list:
            return _list()
        from vlm.config import load_preset
        from vlm.errors import PresetError
        from vlm.saved import export_run
        from vlm.train.loop import Trainer, with_steps
        from vlm.train.processes import world

        if not (arguments.preset and arguments.data and arguments.out):
            raise PresetError("want a preset, --data and --out (weft train --list names the presets)")
        preset = load_preset(arguments.preset, size=arguments.size, overrides=arguments.overrides)
        if arguments.steps is not None:
            preset = with_steps(preset, arguments.steps)
        with world(arguments.strategy, arguments.timeout, arguments.device) as where:
            trainer = Trainer(preset, options_of(arguments), where)
            if trainer.log is not None:
                trainer.log.say(_opening(preset, trainer.step, arguments.out))
            trainer.run()
            if where.is_first:
                print(f"written: {export_run(arguments.out)}")
    return 0


def options_of(arguments: argparse.Namespace) -> Options:
    """What the run is asked for beside its preset."""
    from vlm.train.loop import Options

    return Options(
        data=tuple(arguments.data),
        out=arguments.out,
        seed=arguments.seed,
        precision=arguments.precision,
        gradient_checkpointing=arguments.gradient_checkpointing,
        compile=arguments.compile,
        every=arguments.every,
        blind_every=arguments.blind_every,
        checkpoint_every=arguments.checkpoint_every,
        keep=arguments.keep,
        threads=arguments.threads,
        lanes=arguments.lanes,
        cache_dir=arguments.cache_dir,
        rollback=arguments.rollback,
        lr_scale=arguments.lr_scale,
        weights=arguments.weights,
    )


def add_model_options(parser: argparse.ArgumentParser) -> None:
    """The options of every command that trains."""
    parser.add_argument("--size", default="full", help="full (default), or demo and tiny: small random towers")
    parser.add_argument("--set", dest="overrides", action="append", default=[], metavar="KEY=VALUE",
                        help="a key of the preset, such as stages.lr=1e-4 or model.language.model=PATH")  # fmt: skip
    parser.add_argument("--precision", choices=["bf16", "fp32"], default="fp32")
    parser.add_argument("--device", default="auto", choices=["auto", "cpu", "cuda"])
    parser.add_argument("--gradient-checkpointing", action="store_true", help="less memory, more time")
    parser.add_argument("--compile", action="store_true", help="torch.compile of the language model's layers")
    parser.add_argument("--every", type=int, default=10, help="steps between rows of the metrics")
    parser.add_argument("--checkpoint-every", type=int, default=250)
    parser.add_argument("--threads", type=int, default=2, help="threads of the loader")
    parser.add_argument("--cache-dir", metavar="DIR", help="keeps the files of URLs; token tables of read-only shards")


def numbers(text: str) -> tuple[int, ...]:
    """The whole numbers of a list such as `0,1,2`, none below 0."""
    found = tuple(int(part) for part in text.split(","))
    if min(found) < 0:
        raise argparse.ArgumentTypeError(f"{text}: want numbers from 0 on")
    return found


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="weft train", description=__doc__)
    parser.add_argument("preset", nargs="?", help="a name of vlm/presets, or a TOML file of your own")
    parser.add_argument("--list", action="store_true", help="name the presets, and what each does not reproduce")
    parser.add_argument("--data", action="append", metavar="DIR", help="a folder or URL of shards; may be repeated")
    parser.add_argument("--out", type=Path, metavar="DIR", help="checkpoints, metrics, the model")
    add_model_options(parser)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--blind-every", type=int, default=50, help="steps between blind losses; 0: never")
    parser.add_argument("--keep", type=int, default=5, help="checkpoints that are kept")
    parser.add_argument(
        "--lanes",
        type=int,
        default=240,
        help="orders of documents side by side: any number of ranks that divides it can train, and go on",
    )
    parser.add_argument("--steps", type=int, help="in all, in place of the preset's")
    parser.add_argument("--strategy", choices=["ddp", "fsdp"], default="ddp", help="with several processes")
    parser.add_argument("--timeout", type=float, default=600, help="seconds until a silent rank counts as lost")
    parser.add_argument(
        "--rollback", type=int, metavar="STEP", help="go back to the checkpoint at or before STEP first"
    )
    parser.add_argument("--lr-scale", type=float, default=1.0, help="times the schedule, after a rollback, say")
    parser.add_argument("--weights", metavar="PATH", help="begin with the weights of a checkpoint or exported model")
    return parser


def _list() -> int:
    from vlm.config import load_preset, names

    for name in names():
        preset = load_preset(name)
        print(f"{name:20} {preset.title} ({preset.source})")
        for line in preset.not_reproduced:
            print(f"{'':20}   not reproduced: {line}")
    return 0


def _opening(preset: Preset, step: int, out: Path) -> str:
    stages = ", ".join(f"{s.name} ({s.steps} steps: {', '.join(s.train)})" for s in preset.stages)
    return f"{preset.title}: {stages}; {'begins' if not step else f'goes on after step {step}'}; {out}"


if __name__ == "__main__":
    from jobs.cli import main as command

    sys.exit(command(["train", *sys.argv[1:]]))
