"""Figures that are no numbers stop a run: at once, or a step late and never unread."""

from __future__ import annotations

import math
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from vlm.errors import LossError
from vlm.train.processes import World
from vlm.train.watch import Watch


def watch(folder: Path, late: int) -> Watch:
    made = Watch(World(0, 1, torch.device("cpu"), "ddp"), folder)
    assert made.late == 0
    made.late = late
    return made


def add(to: Watch, step: int, loss: float = 1.0, norm: float = 1.0, own: float | None = None) -> None:
    figures = [torch.tensor(v) for v in (loss, norm, loss if own is None else own)]
    to.add(step, [SimpleNamespace(keys=[f"b{step}", f"a{step}"])], *figures)  # type: ignore[list-item]


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("what", ["loss", "norm"])
def test_at_once(tmp_path: Path, what: str, bad: float) -> None:
    to = watch(tmp_path, 0)
    add(to, 6)
    named = "loss" if what == "loss" else "gradient"
    with pytest.raises(LossError, match=rf"^the {named} of step 7 is not finite; documents of the batch: a7, b7$"):
        add(to, 7, **{what: bad})


def test_a_step_late_it_names_the_step_and_documents_that_gave_it(tmp_path: Path) -> None:
    to = watch(tmp_path, 1)
    add(to, 7, loss=math.nan)
    with pytest.raises(LossError, match=r"of step 7 is not finite; documents of the batch: a7, b7$"):
        add(to, 8, loss=math.nan)


def test_what_is_unread_is_read_before_a_report_or_checkpoint(tmp_path: Path) -> None:
    to = watch(tmp_path, 1)
    add(to, 0)
    add(to, 1, norm=math.inf)
    with pytest.raises(LossError, match="the gradient of step 1 is not finite"):
        to.read()
    to.read()  # each is read once


def test_documents_of_a_rank_whose_own_loss_is_sound_are_not_blamed(tmp_path: Path) -> None:
    with pytest.raises(LossError, match=r"documents of the batch: $"):
        add(watch(tmp_path, 0), 3, loss=math.nan, own=1.0)


def test_the_last_checkpoint_is_named(tmp_path: Path) -> None:
    there = tmp_path / "step-00000004"
    there.mkdir()
    (there / "state.json").write_text("{}")
    with pytest.raises(LossError, match=r"; the last checkpoint is .*step-00000004$"):
        add(watch(tmp_path, 0), 5, loss=math.nan)
