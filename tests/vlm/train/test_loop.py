"""The training loop: resume, rollback, accumulation, ranks, bad input, and every preset learns a batch by heart."""

from __future__ import annotations

import csv
import json
import math
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from trainer_samples import TOKENIZER, batch_of, built, documents

from vlm.config import load_preset, names
from vlm.errors import CheckpointError, DataError, LossError, PresetError
from vlm.loss import Sums, objective
from vlm.model.vlm import TokenLoss, Vlm
from vlm.train import checkpoint
from vlm.train.loop import Options, Trainer, _Run, adamw, learning_rate, load_into, with_steps
from vlm.train.processes import World

pytestmark = pytest.mark.train
ALONE = World(0, 1, torch.device("cpu"), "ddp")
CUDA = torch.device("cuda", 0)


def preset_of(name: str = "llava15", *overrides: str, steps: int = 6):
    few = ["stages.batch_size=2", "stages.seq_len=256", "stages.view=pairs", "stages.warmup=2", *overrides]
    return with_steps(load_preset(name, size="tiny", overrides=few), steps)


def options_of(data: Path, out: Path, **more) -> Options:
    settings = {"lanes": 4, "threads": 0, "every": 1, "blind_every": 0, "checkpoint_every": 2, "live": False}
    return Options(data=(str(data),), out=out, **{**settings, **more})


def columns(out: Path, name: str) -> list[float]:
    with (out / "metrics.csv").open(newline="") as file:
        return [float(row[name]) for row in csv.DictReader(file)]


def losses(out: Path) -> list[float]:
    return columns(out, "loss")


class Killed(Exception):
    pass


def killed_at(trainer: Trainer, step: int, monkeypatch) -> None:
    """Run until `step` steps are done, then die like a process does: nothing is saved any more."""
    whole = _Run.step

    def step_or_die(run: _Run, batches):
        if run.t.step == step:
            raise Killed
        return whole(run, batches)

    with monkeypatch.context() as patch:
        patch.setattr(_Run, "step", step_or_die)
        with pytest.raises(Killed):
            trainer.run()


@pytest.mark.parametrize("name", ["llava15", "depalm_rand_l0"])  # the second draws tokens by chance
def test_a_killed_run_goes_on_to_the_same_losses(name: str, drawn: Path, tmp_path: Path, monkeypatch) -> None:
    preset = preset_of(name)
    Trainer(preset, options_of(drawn, tmp_path / "whole"), ALONE).run()
    killed_at(Trainer(preset, options_of(drawn, tmp_path / "killed"), ALONE), 5, monkeypatch)
    again = Trainer(preset, options_of(drawn, tmp_path / "killed"), ALONE)
    assert again.step == 4
    again.run()
    assert losses(tmp_path / "killed") == losses(tmp_path / "whole")
    assert len(losses(tmp_path / "whole")) == 6


def test_stages_follow_each_other_and_a_run_resumes_in_the_second(drawn: Path, tmp_path: Path, monkeypatch) -> None:
    preset = load_preset("llava15", size="tiny", overrides=["stages.seq_len=256", "stages.batch_size=2"])
    preset = replace(preset, stages=tuple(replace(s, steps=3, view="pairs", warmup=0) for s in preset.stages))
    Trainer(preset, options_of(drawn, tmp_path / "whole"), ALONE).run()
    killed_at(Trainer(preset, options_of(drawn, tmp_path / "killed"), ALONE), 5, monkeypatch)
    Trainer(preset, options_of(drawn, tmp_path / "killed"), ALONE).run()
    assert losses(tmp_path / "killed") == losses(tmp_path / "whole")
    rows = list(csv.DictReader((tmp_path / "whole" / "metrics.csv").read_text().splitlines()))
    assert [row["stage"] for row in rows] == ["align"] * 3 + ["tune"] * 3


def test_rollback_goes_to_an_earlier_checkpoint_and_forgets_the_later(drawn: Path, tmp_path: Path) -> None:
    preset, out = preset_of(), tmp_path / "run"
    Trainer(preset, options_of(drawn, out), ALONE).run()
    first = losses(out)
    assert [path.name for path in checkpoint.found(out / "checkpoints")][-1] == "step-00000006"
    back = Trainer(preset, options_of(drawn, out, rollback=3, lr_scale=0.1), ALONE)
    assert back.step == 2
    assert [path.name for path in checkpoint.found(out / "checkpoints")] == ["step-00000002"]
    back.run()
    assert losses(out)[:3] == first[:3]  # the loss of a step is taken before its update
    assert losses(out)[4] != first[4]
    with pytest.raises(CheckpointError, match="no checkpoint at or before step 1"):
        Trainer(preset, options_of(drawn, out, rollback=1), ALONE)


def test_a_checkpoint_of_another_preset_is_refused_by_name(drawn: Path, tmp_path: Path) -> None:
    Trainer(preset_of(steps=2), options_of(drawn, tmp_path), ALONE).run()
    with pytest.raises(CheckpointError, match=r"is of another model: model.inject.cross was None"):
        Trainer(preset_of("flamingo"), options_of(drawn, tmp_path), ALONE)


def test_a_checkpoint_of_before_a_part_could_be_chosen_is_of_the_same_model(drawn: Path, tmp_path: Path) -> None:
    Trainer(preset_of(steps=2), options_of(drawn, tmp_path), ALONE).run()
    (path,) = checkpoint.found(tmp_path / "checkpoints")
    state = json.loads((path / "state.json").read_text())
    del state["model"]["tune"]["adapter"]
    (path / "state.json").write_text(json.dumps(state))
    assert Trainer(preset_of(steps=4), options_of(drawn, tmp_path), ALONE).step == 2
    with pytest.raises(CheckpointError, match=r"model.tune.adapter was None, is \{'width': 8\}"):
        Trainer(preset_of("llava15", "model.tune.adapter={width=8}", steps=4), options_of(drawn, tmp_path), ALONE)


def test_a_broken_checkpoint_is_refused(drawn: Path, tmp_path: Path) -> None:
    Trainer(preset_of(steps=2), options_of(drawn, tmp_path), ALONE).run()
    (path,) = checkpoint.found(tmp_path / "checkpoints")
    for name in ("optimizer.pt", "model.safetensors"):
        (path / name).write_bytes(b"\0" * 100)
        with pytest.raises(CheckpointError, match=rf"{name} cannot be read: [^;]*$"):
            Trainer(preset_of(steps=4), options_of(drawn, tmp_path), ALONE).run()
    shutil.copytree(path, path.with_name("step-00000001"))
    with pytest.raises(CheckpointError, match=r"cannot be read: .*; --rollback 1 goes back to the one before it"):
        Trainer(preset_of(steps=4), options_of(drawn, tmp_path), ALONE).run()
    for text in ("[]", "{}", "{"):
        (path / "state.json").write_text(text)
        with pytest.raises(CheckpointError, match=r"is no checkpoint: .* --rollback 1"):
            Trainer(preset_of(steps=4), options_of(drawn, tmp_path), ALONE)


def test_what_was_half_written_or_half_deleted_is_no_checkpoint(drawn: Path, tmp_path: Path, monkeypatch) -> None:
    """Killed between any two files: the run goes on from the checkpoint before, and sweeps what is left."""
    preset, options = preset_of(steps=6), options_of(drawn, tmp_path)
    killed_at(Trainer(preset, options, ALONE), 5, monkeypatch)
    folder = tmp_path / "checkpoints"
    left = folder / ".part-step-00000003"
    shutil.copytree(folder / "step-00000004", left)

    def killed(*_, **__) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(shutil, "rmtree", killed)
        with pytest.raises(Killed):
            checkpoint.remove(folder / "step-00000004")
    (folder / "step-old").mkdir()
    (folder / "step-old" / "state.json").write_text("{}")
    with monkeypatch.context() as patch:
        patch.setattr(torch, "save", killed)
        trainer = Trainer(preset, options, ALONE)
        assert trainer.step == 2
        with pytest.raises(Killed):
            trainer.run()
    assert [path.name for path in checkpoint.found(folder)] == ["step-00000002"]
    Trainer(preset, options, ALONE).run()
    assert not list(folder.glob(".part-*"))
    assert len(losses(tmp_path)) == 6


def test_half_a_row_of_metrics_is_made_again(drawn: Path, tmp_path: Path, monkeypatch) -> None:
    preset, options = preset_of(steps=6), options_of(drawn, tmp_path)
    killed_at(Trainer(preset, options, ALONE), 5, monkeypatch)
    with (tmp_path / "metrics.csv").open("ab") as file:
        file.write(b"1,ali\n\0\xf8\xff,2\n2")
    Trainer(preset, options, ALONE).run()
    assert len(losses(tmp_path)) == 6


def test_the_blind_loss_is_measured_as_often_as_asked(drawn: Path, tmp_path: Path) -> None:
    """Also between the rows of the metrics."""
    Trainer(preset_of(steps=6), options_of(drawn, tmp_path, every=4, blind_every=3), ALONE).run()
    rows = list(csv.DictReader((tmp_path / "metrics.csv").read_text().splitlines()))
    assert {row["step"]: bool(row["blind_gap"]) for row in rows} == {"3": True, "4": False, "6": True}


def test_images_without_a_word_are_refused(tmp_path: Path, only_images: Path) -> None:
    preset = preset_of("llava15", "stages.view=natural")
    with pytest.raises(DataError, match="no token to predict in 1 steps"):
        Trainer(preset, options_of(only_images, tmp_path), ALONE).run()


def test_a_dataset_without_images_is_refused(tmp_path: Path, without_images: Path) -> None:
    preset = preset_of()
    with pytest.raises(DataError, match="no images; text alone is trained on with view = text_only"):
        Trainer(preset, options_of(without_images, tmp_path), ALONE).run()


def test_tokens_beyond_the_sequence_are_refused(drawn: Path, tmp_path: Path) -> None:
    preset = preset_of("llava15", "stages.seq_len=32")
    with pytest.raises(PresetError, match="an image may take 18 tokens, over half of 32"):
        Trainer(preset, options_of(drawn, tmp_path), ALONE).run()


def test_what_a_run_is_asked_for_reaches_its_loader(drawn: Path, tmp_path: Path) -> None:
    preset = preset_of("llava15", "stages.size=64")
    trainer = Trainer(preset, options_of(drawn, tmp_path, seed=3, cache_dir="c", lanes=12), ALONE)
    config = trainer.loader_config(preset.stages[0], 1)
    asked = (config.cache_dir, config.lanes, config.seed, config.seq_len, config.view, config.datasets)
    assert asked == ("c", 12, 3 + 7919, 256, "pairs", (str(drawn),))


def test_a_sequence_longer_than_the_learned_positions_is_refused(drawn: Path, tmp_path: Path) -> None:
    few = "model.language.config.max_position_embeddings=256"
    for name, least in (("mapl", 256), ("epalm", 252)):  # eP-ALM's prompt takes four
        Trainer(preset_of(name, few, f"stages.seq_len={least}"), options_of(drawn, tmp_path / name), ALONE)
        trainer = Trainer(preset_of(name, few, f"stages.seq_len={least + 1}"), options_of(drawn, tmp_path), ALONE)
        with pytest.raises(PresetError, match=f"seq_len = {least + 1}, the language model has {least} positions"):
            trainer.run()


@pytest.mark.parametrize("change", [{"every": 0}, {"checkpoint_every": 0}, {"blind_every": -1}, {"keep": -1}])
def test_numbers_of_a_run_that_make_no_sense_are_refused(change: dict[str, int], tmp_path: Path) -> None:
    with pytest.raises(PresetError, match="want at least"):
        options_of(tmp_path, tmp_path, **change)
    for wrong in ("accumulate=0", "batch_size=-1", "seq_len=1", "warmup=-1"):
        with pytest.raises(PresetError, match=r"stage align: .* want at least"):
            preset_of("llava15", f"stages.{wrong}")
    with pytest.raises(PresetError, match="steps = 0: want at least 1"):
        preset_of(steps=0)


def test_a_gradient_that_is_not_finite_stops_before_it_is_taken(drawn: Path, tmp_path: Path) -> None:
    """A loss may be finite where its gradient is none; the next loss would be blamed on the next documents."""
    trainer = Trainer(preset_of(steps=4), options_of(drawn, tmp_path), ALONE)
    weight = trainer.model.mapper[0].layers[0].weight
    before = weight.detach().clone()
    weight.register_hook(lambda gradient: gradient * math.inf)
    with pytest.raises(LossError, match=r"the gradient of step 0 is not finite; documents of the batch: [0-9a-f]{32}"):
        trainer.run()
    assert torch.equal(weight.detach(), before)


@pytest.mark.gpu
def test_on_a_gpu_it_stops_with_the_next_step_and_before_a_checkpoint(drawn: Path, tmp_path: Path) -> None:
    trainer = Trainer(preset_of(steps=4), options_of(drawn, tmp_path, every=4), replace(ALONE, device=CUDA))
    calls: list[int] = []

    def spoil_the_second(gradient: torch.Tensor) -> torch.Tensor:
        calls.append(1)
        return gradient * math.inf if len(calls) == 2 else gradient

    trainer.model.mapper[0].layers[0].weight.register_hook(spoil_the_second)
    with pytest.raises(LossError, match=r"the gradient of step 1 is not finite; documents of the batch: [0-9a-f]{32}"):
        trainer.run()
    assert not checkpoint.found(tmp_path / "checkpoints")


def test_a_loss_that_is_not_finite_stops_and_names_the_documents(drawn: Path, tmp_path: Path) -> None:
    preset = preset_of(steps=4)
    trainer = Trainer(preset, options_of(drawn, tmp_path), ALONE)
    with torch.no_grad():
        trainer.model.mapper[0].layers[0].weight.fill_(math.inf)
    with pytest.raises(LossError, match=r"the loss of step 0 is not finite; documents of the batch: [0-9a-f]{32}"):
        trainer.run()
    assert not checkpoint.found(tmp_path / "checkpoints")


def test_two_micro_batches_are_as_one_batch_of_both() -> None:
    """Gradients: the mean over all tokens, not the mean of two means."""
    found = [documents(1, seed=1)[0], [*documents(1, seed=2)[0], "more words so that the two differ in length"]]
    grads = []
    for parts in ([found], [[found[0]], [found[1]]]):
        _, model = built("llava15")
        model.trains(("mapper",))
        model.train()
        batches = [batch_of(model, part, list(range(len(part)))) for part in parts]
        sums = Sums.zeros(1, torch.device("cpu"))
        total = sum(len(model(batch).nll) for batch in batches)
        for batch in batches:
            tokens = model(batch)
            sums.add(tokens, batch)
            objective(tokens, total, 0.01).backward()
        grads.append((model.mapper[0].layers[0].weight.grad, sums.mean))
    torch.testing.assert_close(grads[0][0], grads[1][0], atol=1e-6, rtol=1e-4)
    assert grads[0][1] == pytest.approx(grads[1][1], rel=1e-6)


def test_a_step_of_two_micro_batches_is_a_step_of_one_twice_as_large(drawn: Path, tmp_path: Path) -> None:
    """By the loop itself. The norm of the gradient tells: AdamW takes the same step whatever the gradient's scale."""
    for name, rows, parts in (("one", 4, 1), ("two", 2, 2)):
        sized = (f"stages.batch_size={rows}", f"stages.accumulate={parts}", "stages.view=natural")
        Trainer(preset_of("llava15", *sized, steps=3), options_of(drawn, tmp_path / name), ALONE).run()
    for column in ("loss", "gradient", "z"):
        one, two = (columns(tmp_path / name, column) for name in ("one", "two"))
        assert one == pytest.approx(two, rel=1e-4), column


def test_the_objective_is_the_mean_loss_and_the_mean_square_of_the_normaliser() -> None:
    tokens = TokenLoss(torch.tensor([1.0, 3.0]), torch.tensor([2.0, 4.0]), torch.tensor([1, 2]))
    assert float(objective(tokens, 8.0, 0.5)) == pytest.approx((4 + 0.5 * (4 + 16)) / 8)
    assert float(objective(tokens, 2.0, 0.0)) == 2.0


def test_the_loss_is_float32_whatever_the_model_computes_in() -> None:
    _, model = built("llava15")
    batch = batch_of(model, documents(1))
    with torch.autocast("cpu", torch.bfloat16):
        tokens = model(batch)
    assert tokens.nll.dtype == tokens.z.dtype == torch.float32
    # bf16 has 11 values from 1.65625 to 1.734375: a loss kept in it would show steps
    steps = torch.arange(1.65625, 1.7344, 1 / 4096).bfloat16().unique()
    assert len(steps) == 11
    full = model(batch).nll
    torch.testing.assert_close(tokens.nll, full, atol=0.05, rtol=0.05)


def test_losses_are_told_apart_by_source() -> None:
    _, model = built("llava15")
    batch = batch_of(model, documents(2), [0, 0])
    sources = batch.sources.clone()
    sources[1, 3] = 1
    batch = replace(batch, sources=sources)
    sums = Sums.zeros(3, torch.device("cpu"))
    with torch.no_grad():
        tokens = model(batch)
    sums.add(tokens, batch)
    rows = batch.document_ids.flatten()[tokens.where]
    first, second, nothing = sums.by_source()
    assert first == pytest.approx(float(tokens.nll[rows == 0].mean()), rel=1e-5)
    assert second == pytest.approx(float(tokens.nll[rows == 1].mean()), rel=1e-5)
    assert math.isnan(nothing)


def test_the_schedule_rises_falls_and_ends_where_it_was_told_to() -> None:
    stage = replace(preset_of().stages[0], lr=1.0, warmup=10, steps=110, min_lr=0.1)
    rates = [learning_rate(stage, step) for step in range(110)]
    assert rates[0] == pytest.approx(0.1)
    assert max(rates) == rates[10] == rates[9] == 1.0
    assert learning_rate(stage, 110) == pytest.approx(0.1)
    assert rates[60] == pytest.approx(0.55)
    assert learning_rate(replace(stage, schedule="constant"), 100) == 1.0


def test_vectors_do_not_decay() -> None:
    preset, model = built("flamingo")
    model.trains(preset.stages[-1].train)
    matrices, vectors = adamw(model, preset.stages[-1]).param_groups
    assert (matrices["weight_decay"], vectors["weight_decay"]) == (0.1, 0.0)
    assert {p.ndim for p in vectors["params"]} == {1}


def test_the_state_says_where_the_loader_stood(drawn: Path, tmp_path: Path) -> None:
    Trainer(preset_of(steps=2), options_of(drawn, tmp_path), ALONE).run()
    state = json.loads((checkpoint.found(tmp_path / "checkpoints")[-1] / "state.json").read_text())
    assert state["loader"]["cursor"] == 4
    assert state["stage"]["name"] == "align"


@pytest.mark.parametrize("name", names())
def test_every_preset_learns_a_repeated_batch(name: str, languages: dict[str, Path], repeated) -> None:
    """20 steps at size tiny, from the small trained language model where the preset freezes it."""
    preset = load_preset(name, size="tiny")
    overrides = []
    if preset.needs_language:
        overrides = [f"model.language.model={languages[preset.model.language.config['model_type']]}"]
    preset = load_preset(name, size="tiny", overrides=overrides)
    torch.manual_seed(0)
    model = Vlm(preset.model, TOKENIZER.specials.vocab_size)
    stage = preset.stages[-1]
    model.trains(stage.train)
    model.train()
    optimizer = adamw(model, stage)
    batch = batch_of(model, repeated)
    found = []
    for step in range(20):
        checkpoint.seed_step(0, step, 0)
        loss = model(batch).nll.mean()
        found.append(float(loss.detach()))
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_([p for p in model.parameters() if p.requires_grad], stage.clip)
        optimizer.step()
    assert found[0] - min(found[-3:]) >= preset.falls


def test_weights_of_another_run_are_a_beginning(drawn: Path, tmp_path: Path) -> None:
    Trainer(preset_of(steps=2), options_of(drawn, tmp_path / "a"), ALONE).run()
    (path,) = checkpoint.found(tmp_path / "a" / "checkpoints")
    _, model = built("llava15", seed=5)
    assert "mapper.0.layers.0.weight" in load_into(model, path)
    kept = checkpoint.load_weights(path / "model.safetensors")
    assert torch.equal(model.state_dict()["mapper.0.layers.0.weight"], kept["mapper.0.layers.0.weight"])
    with pytest.raises(CheckpointError, match="no tensor fits"):
        load_into(torch.nn.Linear(3, 3), path)
