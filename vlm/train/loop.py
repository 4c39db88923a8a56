"""Training: stages as data, one step after the other, exactly resumable.

A step takes `accumulate` batches of the loader, counts their targets over all ranks, and gives every target token the
same weight. The learning rate is a function of the step; so is the randomness. What the loader handed over stands in
the checkpoint, so a killed run goes on with the batch it would have had.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor, nn

from vlm.config import Preset, Stage, at_least
from vlm.errors import CheckpointError, DataError, PresetError
from vlm.loader import Batch, Loader, LoaderConfig
from vlm.loader.tokenizers import load_tokenizer
from vlm.loss import Sums, objective
from vlm.model.language import checkpoint_layers
from vlm.model.vlm import Vlm
from vlm.train import checkpoint
from vlm.train.flops import FlopCounter, peak_of
from vlm.train.metrics import Log, Meter
from vlm.train.processes import World, without_sync, wrap
from vlm.train.watch import Watch


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What a run is asked for beside its preset."""

    data: tuple[str, ...]
    out: Path
    seed: int = 0
    precision: Literal["bf16", "fp32"] = "fp32"
    gradient_checkpointing: bool = False
    compile: bool = False
    every: int = 10
    """Steps between rows of the metrics."""
    blind_every: int = 50
    """Steps between measures of the blind loss; 0: never."""
    checkpoint_every: int = 250
    keep: int = 5
    threads: int = 2
    lanes: int = 240
    cache_dir: str | None = None
    """Where files of a URL are kept, and token tables of a dataset that cannot be written."""
    rollback: int | None = None
    """Go back to the last checkpoint at or before this step; later ones are deleted."""
    lr_scale: float = 1.0
    weights: str | None = None
    """A checkpoint or exported folder whose weights are the beginning (missing parts stay as they are)."""
    live: bool = True

    def __post_init__(self) -> None:
        at_least(self, every=1, checkpoint_every=1, blind_every=0, keep=0, threads=0)


def learning_rate(stage: Stage, step: int) -> float:
    """Of a step (from 0) of a stage: a linear rise, then half a cosine down to `min_lr`, or flat."""
    if step < stage.warmup:
        return stage.lr * (step + 1) / stage.warmup
    if stage.schedule == "constant":
        return stage.lr
    share = (step - stage.warmup) / max(stage.steps - stage.warmup, 1)
    return stage.lr * (stage.min_lr + (1 - stage.min_lr) * 0.5 * (1 + math.cos(math.pi * min(share, 1.0))))


def adamw(model: nn.Module, stage: Stage) -> torch.optim.AdamW:
    """AdamW over what learns; no decay of vectors (norms, biases, gates, queries of one)."""
    learns = [p for p in model.parameters() if p.requires_grad]
    groups = [
        {"params": [p for p in learns if p.ndim >= 2], "weight_decay": stage.weight_decay},
        {"params": [p for p in learns if p.ndim < 2], "weight_decay": 0.0},
    ]
    groups = [group for group in groups if group["params"]]
    fused = all(p.device.type == "cuda" for p in learns)
    return torch.optim.AdamW(groups, lr=stage.lr, betas=(stage.beta1, stage.beta2), eps=stage.eps, fused=fused)


class Trainer:
    """A run of one preset on some datasets."""

    def __init__(self, preset: Preset, options: Options, where: World) -> None:
        """Build the model and find where to go on. Raises PresetError, DataError, CheckpointError."""
        self.preset, self.options, self.where = preset, options, where
        self.tokenizer = load_tokenizer(preset.model.language.tokenizer)
        torch.manual_seed(options.seed)
        with where.device:  # where random weights are made in no time
            self.model = Vlm(preset.model, self.tokenizer.specials.vocab_size)
        self.model.to(where.device)
        if options.weights:
            load_into(self.model, Path(options.weights))
        if options.gradient_checkpointing:
            checkpoint_layers(self.model.language)
        if options.compile:
            self.model.compile_parts()
        self.folder = options.out / "checkpoints"
        self.step, self._is_cut = 0, False
        self._resume = self._where_to_go_on()
        self.log = Log(options.out, from_step=self.step, live=options.live) if where.is_first else None

    def _where_to_go_on(self) -> dict[str, Any] | None:
        there = checkpoint.found(self.folder)
        if self.options.rollback is not None:
            kept = [path for path in there if int(path.name[5:]) <= self.options.rollback]
            if not kept:
                raise CheckpointError(f"no checkpoint at or before step {self.options.rollback} in {self.folder}")
            self._drop(there[len(kept) :])
            there = kept
        if not there:
            return None
        state = checkpoint.read_state(there[-1], self.preset.model)
        self.step = int(state["step"])
        return {**state, "path": there[-1]}

    def _drop(self, paths: list[Path]) -> None:
        self.where.barrier()
        if self.where.is_first:
            for path in paths:
                checkpoint.remove(path)
        self.where.barrier()

    def loader_config(self, stage: Stage, number: int) -> LoaderConfig:
        """What the loader is asked for in a stage. Raises PresetError where images do not fit the sequence."""
        image = self.model.image_config(stage.size)
        if self.model.room is not None and stage.seq_len > self.model.room:
            raise PresetError(
                f"stage {stage.name}: seq_len = {stage.seq_len}, the language model has {self.model.room} positions"
            )
        if stage.view != "text_only" and image.most_tokens > stage.seq_len // 2:
            raise PresetError(
                f"stage {stage.name}: an image may take {image.most_tokens} tokens, over half of {stage.seq_len}"
            )
        return LoaderConfig(
            datasets=self.options.data,
            batch_size=stage.batch_size,
            seq_len=stage.seq_len,
            tokenizer=self.preset.model.language.tokenizer,
            image=image,
            view=stage.view,
            seed=self.options.seed + 7919 * number,
            lanes=self.options.lanes,
            weights=stage.weights or None,
            threads=self.options.threads,
            cache_dir=self.options.cache_dir,
            device=str(self.where.device),
            dtype="bfloat16" if self.options.precision == "bf16" else "float32",
        )

    def run(self) -> dict[str, float]:
        """Train all stages that are not done yet; the last row of the metrics."""
        before, last = 0, {}
        for number, stage in enumerate(self.preset.stages):
            if self.step < before + stage.steps:
                last = self._stage(number, stage, before)
            before += stage.steps
        if self.log is not None:
            self.log.close()
        return last

    def _stage(self, number: int, stage: Stage, before: int) -> dict[str, float]:
        self.model.trains(stage.train)
        loader = Loader(self.loader_config(stage, number), rank=self.where.rank, world_size=self.where.size)
        if stage.view != "text_only" and not any(s.images for d in loader.datasets for s in d.shards):
            raise DataError(
                f"{', '.join(self.options.data)}: no images; text alone is trained on with view = text_only"
            )
        wrapped = self._wrapped()
        optimizer = adamw(wrapped, stage)
        if self._resume is not None:
            same = self._resume["number"] == number
            checkpoint.load(self._resume["path"], self.model, optimizer if same else None)
            if same:
                loader.load_state_dict(self._resume["loader"], allow=("mix",))
            self._resume = None
        run = _Run(self, number, stage, before, loader, wrapped, optimizer)
        try:
            return run.steps()
        finally:
            loader.close()

    def _wrapped(self) -> nn.Module:
        """Shards are cut once; replicas are wrapped for each stage, since the parameters that learn differ."""
        if not self._is_cut:
            wrapped = wrap(self.model, self.where, bf16=self.options.precision == "bf16")
            self._is_cut = self.where.size > 1 and self.where.strategy == "fsdp"
            return wrapped
        return self.model


class _Run:
    """One stage while it runs."""

    def __init__(
        self,
        trainer: Trainer,
        number: int,
        stage: Stage,
        before: int,
        loader: Loader,
        model: nn.Module,
        optimizer: torch.optim.AdamW,
    ) -> None:
        self.t, self.number, self.stage, self.before = trainer, number, stage, before
        self.loader, self.model, self.optimizer = loader, model, optimizer
        self.flops, self.meter = FlopCounter(trainer.model), Meter()
        self.peak = peak_of(trainer.where.device)
        self.sums, self.norm, self.targets = self._zeros(), torch.zeros(()), 0.0
        self.watch = Watch(trainer.where, trainer.folder)

    def _zeros(self) -> Sums:
        return Sums.zeros(len(self.t.options.data), self.t.where.device)

    def steps(self) -> dict[str, float]:
        """All steps that are left; the last row."""
        t, row = self.t, {}
        batches = iter(self.loader)
        waited = self.loader.stats.wait_s
        while t.step < self.before + self.stage.steps:
            local = [self._next(batches) for _ in range(self.stage.accumulate)]
            self.meter.wait_s += self.loader.stats.wait_s - waited
            waited = self.loader.stats.wait_s
            self.norm = self.step(local)
            t.step += 1
            last = t.step == self.before + self.stage.steps
            if last or any(n and t.step % n == 0 for n in (t.options.every, t.options.blind_every)):
                row = self.report(local[-1])
            if t.step % t.options.checkpoint_every == 0 or last:
                self.save()
        return row

    def _next(self, batches: Iterator[Batch]) -> Batch:
        batch = next(batches, None)
        if batch is None:
            raise DataError("the loader ended before the stage did")
        return batch

    def step(self, batches: list[Batch]) -> Tensor:
        """One step of the optimiser; the norm of the gradient, not waited for."""
        t, stage = self.t, self.stage
        checkpoint.seed_step(t.options.seed, t.step, t.where.rank)
        lr = learning_rate(stage, t.step - self.before) * t.options.lr_scale
        for group in self.optimizer.param_groups:
            group["lr"] = lr
        total = float(sum(batch.num_targets for batch in batches))
        if t.where.size > 1:
            total = float(t.where.sum(torch.tensor(total, dtype=torch.float64)))  # on the host: the GPU goes on
        if not total:
            return torch.zeros(())
        self.model.train()
        sums = self._zeros()
        for place, batch in enumerate(batches):
            with without_sync(self.model, t.where, place == len(batches) - 1):
                with self.autocast():
                    tokens = self.model(batch)
                loss = objective(tokens, total / t.where.size, stage.z_loss)
                loss.backward()  # type: ignore[no-untyped-call]
            sums.add(tokens, batch)
            self._measure(batch)
        self.meter.steps += 1
        own = sums.nll.sum()
        sums = Sums.of(t.where.sum(sums.flat()))
        learns = [p for p in self.model.parameters() if p.requires_grad]
        norm = torch.nn.utils.clip_grad_norm_(learns, stage.clip or math.inf)
        whole: Tensor = norm.full_tensor() if hasattr(norm, "full_tensor") else norm
        self.watch.add(t.step, batches, sums.nll.sum(), whole, own)
        self.optimizer.step()
        self.optimizer.zero_grad()
        self.sums = Sums(self.sums.nll + sums.nll, self.sums.count + sums.count, self.sums.z + sums.z)
        return whole

    def autocast(self) -> Any:
        """bf16 for the matrix products, where it is asked for and FSDP does not do it."""
        if self.t.options.precision != "bf16":
            return nullcontext()
        return torch.autocast(self.t.where.device.type, torch.bfloat16)

    def _measure(self, batch: Batch) -> None:
        m, flops = self.meter, self.flops.count(batch)
        m.tokens += batch.tokens.numel()
        m.useful += batch.useful_tokens
        m.images += len(batch.image_ok)
        m.flops = m.flops + flops.total
        m.vision_flops = m.vision_flops + flops.vision

    def report(self, batch: Batch) -> dict[str, float]:
        """A row of the metrics since the last one."""
        self.watch.read()
        t, sums = self.t, self.sums
        self.targets += float(sums.count.sum())
        if not self.targets:
            raise DataError(f"{', '.join(t.options.data)}: no token to predict in {t.step - self.before} steps")
        row: dict[str, Any] = {"step": t.step, "stage": self.stage.name, "loss": sums.mean}
        if len(t.options.data) > 1:
            row |= {f"loss.{i}": value for i, value in enumerate(sums.by_source()) if math.isfinite(value)}
        row |= {"z": sums.z_mean, "gradient": float(self.norm), "lr": self.optimizer.param_groups[0]["lr"]}
        if t.options.blind_every and t.step % t.options.blind_every == 0:
            row |= self.blind(batch)
        row |= self.meter.rates(t.where.size, self.peak, t.where.device)
        if t.model.cross:
            row |= {f"gate.{name}": value for name, value in t.model.gates().items()}
        if t.log is not None:
            t.log.add(row)
        self.sums = self._zeros()
        self.meter.reset()
        return row

    @torch.no_grad()
    def blind(self, batch: Batch) -> dict[str, float]:
        """The loss of a batch with its images and with images of the mean colour, and the gap."""
        began = time.perf_counter()
        self.model.eval()
        means = []
        for is_blind in (False, True):
            sums = self._zeros()
            with self.autocast():
                sums.add(self.model(batch, blind=is_blind), batch)
            means.append(Sums.of(self.t.where.sum(sums.flat())).mean)
        self.model.train()
        self.meter.began += time.perf_counter() - began  # not training
        return {"blind_loss": means[1], "blind_gap": means[1] - means[0]}

    def save(self) -> None:
        """Write a checkpoint."""
        self.watch.read()
        t = self.t
        state = {
            "step": t.step,
            "number": self.number,
            "stage": asdict(self.stage),
            "preset": t.preset.name,
            "model": asdict(t.preset.model),
            "seed": t.options.seed,
            "loader": self.loader.state_dict(gather=True),
        }
        checkpoint.save(t.folder, t.model, self.optimizer, state, t.where, keep=t.options.keep)


def load_into(model: Vlm, path: Path) -> list[str]:
    """Put the weights of a checkpoint or an exported folder into a model, as far as names and shapes agree; the names.

    Raises CheckpointError where nothing fits.
    """
    file = path / "model.safetensors" if path.is_dir() else path
    weights: dict[str, Tensor] = checkpoint.load_weights(file)
    own = model.state_dict()
    fitting = {n: w for n, w in weights.items() if n in own and own[n].shape == w.shape}
    if not fitting:
        raise CheckpointError(f"{file}: no tensor fits this model")
    model.load_state_dict(fitting, strict=False)
    return sorted(fitting)


def with_steps(preset: Preset, steps: int) -> Preset:
    """The preset with its stages cut, or its last one stretched, to so many steps in all, at least one."""
    if steps < 1:
        raise PresetError(f"steps = {steps}: want at least 1")
    stages, left = [], steps
    for stage in preset.stages[:-1]:
        stages.append(replace(stage, steps=min(stage.steps, left)))
        left -= stages[-1].steps
    stages.append(replace(preset.stages[-1], steps=left))
    return replace(preset, stages=tuple(stage for stage in stages if stage.steps))
