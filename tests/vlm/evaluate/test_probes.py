"""Probes see what they are for: a model that knows its images, and one that does not."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path

import pytest
import torch
from trainer_samples import TOKENIZER, built, opened, picture

from vlm.config import names
from vlm.errors import CheckpointError, DataError
from vlm.evaluate.generate import _longer, generate
from vlm.evaluate.heldout import held_out
from vlm.evaluate.probes import Pair, Scorer, k_shot, needle, pairs_of, retrieval
from vlm.loader import LoaderConfig
from vlm.model.attention import Kept
from vlm.model.language import layers_of
from vlm.prompt import lay_out
from vlm.saved import export, export_run, load_saved
from vlm.train.checkpoint import save_weights


def scorer_of(model, seq_len: int = 4096) -> Scorer:
    return Scorer(model, TOKENIZER, model.image_config(), seq_len)


PAIRS = [Pair(picture(i), f"number {i:02d}") for i in range(6)]


def test_the_score_of_a_node_is_the_mean_loss_of_its_tokens() -> None:
    _, model = built("llava15")
    document = ["first", picture(1), "second"]
    batch = lay_out([document], TOKENIZER, model.image_config(), end=False)
    with torch.no_grad():
        tokens = model(batch)
    second = tokens.where > int((batch.last_image[0] >= 0).nonzero()[0])
    (found,) = scorer_of(model).losses([document], [[2]])
    assert found == pytest.approx(float(tokens.nll[second].mean()), rel=1e-5)


@pytest.mark.slow
def test_a_blind_model_finds_no_image_and_a_taught_one_does() -> None:
    _, model = built("llava15")
    with torch.no_grad():
        for parameter in model.mapper.parameters():
            parameter.zero_()
    assert retrieval(scorer_of(model), PAIRS) == 0.0  # ties are no wins
    _, model = built("llava15")
    learn(model)
    assert retrieval(scorer_of(model), PAIRS) == 1.0
    assert retrieval(scorer_of(model), PAIRS, others=3) == 1.0
    gaps = needle(scorer_of(model), PAIRS, [0, 4], queries=4)
    assert gaps[0] > 0.1
    curve = k_shot(scorer_of(model), PAIRS, [0, 1], queries=4)
    assert curve[0] < 1.5
    assert set(curve) == {0, 1}
    written = generate(model, TOKENIZER, model.image_config(), [PAIRS[3].image], tokens=20)
    assert written == "number 03"


def learn(model) -> None:
    model.trains(("vision", "mapper", "language"))
    model.train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
    batch = lay_out([[pair.image, pair.text] for pair in PAIRS], TOKENIZER, model.image_config())
    for _ in range(120):
        loss = model(batch).nll.mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


def test_probes_say_when_there_is_too_little() -> None:
    _, model = built("llava15")
    with pytest.raises(DataError, match="6 pairs are too few for 9 wrong images"):
        retrieval(scorer_of(model), PAIRS, others=9)
    with pytest.raises(DataError, match="6 pairs are too few for 32 shots"):
        k_shot(scorer_of(model), PAIRS, [32], queries=1)
    with pytest.raises(DataError, match="longer than seq_len = 16"):
        scorer_of(model, 16).losses([["a long text of many bytes"]], [[0]])


def test_pairs_are_of_one_text_each_and_in_one_order(drawn: Path, without_images: Path) -> None:
    found = pairs_of(str(drawn), 10)
    assert len({pair.text for pair in found}) == len(found) == 10
    assert found == pairs_of(str(drawn), 10)
    assert found != pairs_of(str(drawn), 10, seed=1)
    assert pairs_of(str(drawn), 3) == pairs_of(str(drawn), 10)[:3] == pairs_of(str(drawn), 1000)[:3]
    with pytest.raises(DataError, match="no image has a caption"):
        pairs_of(str(without_images), 10)


def test_held_out_losses_and_the_blind_gap(drawn: Path) -> None:
    _, model = built("flamingo")
    config = LoaderConfig(
        datasets=(str(drawn),), batch_size=2, seq_len=1024, image=model.image_config(), threads=0, dtype="float32",
        lanes=2,
    )  # fmt: skip
    closed = held_out(model, config, max_tokens=2000)
    assert closed.blind_gap == 0.0  # the gates are at zero: images are not seen
    assert closed.tokens >= 2000
    seen = held_out(opened(model), config, max_tokens=2000)
    assert seen.blind_gap != 0.0
    assert seen.row()["blind_gap"] == seen.blind_gap


MORE = (
    "model.tune.adapter={width=8}",
    "model.mapper=[{kind='branch', branches=[[{kind='linear'}], [{kind='pool', k=4}, {kind='linear'}]]}]",
)


@pytest.mark.parametrize("name", ["llava15", "flamingo", "epalm", "depalm_qp_inner", "mapl/more"])
def test_a_written_model_is_the_same_when_it_is_read(name: str, tmp_path: Path) -> None:
    name, _, more = name.partition("/")
    preset, model = built(name, *(MORE if more else ()))
    export(opened(model), preset, tmp_path / "model")
    saved = load_saved(tmp_path)
    batch = lay_out([["a", picture(1), "b"]], TOKENIZER, saved.image)
    with torch.no_grad():
        assert torch.equal(saved.model.logits(batch), model.logits(batch))
    assert saved.preset == name


def test_a_model_is_read_from_where_its_run_stands(tmp_path: Path) -> None:
    """An export of before the run went on, or back, is not taken for what it has learnt."""
    preset, model = built("llava15")
    last = tmp_path / "checkpoints" / "step-00000004"
    last.mkdir(parents=True)
    save_weights(dict(model.state_dict()), last / "model.safetensors")
    state = {"step": 4, "preset": preset.name, "model": asdict(preset.model), "stage": asdict(preset.stages[0])}
    (last / "state.json").write_text(json.dumps(state))
    export_run(tmp_path)
    assert {path.name for path in (tmp_path / "model").iterdir()} == {"model.json", "model.safetensors"}
    modes = {file.stat().st_mode for folder in (last, tmp_path / "model") for file in folder.iterdir()}
    assert len(modes) == 1  # who may read the one file may read the other
    last.rename(last.with_name("step-00000002"))
    with torch.no_grad():
        model.mapper[0].layers[0].weight.zero_()
    save_weights(dict(model.state_dict()), last.with_name("step-00000002") / "model.safetensors")
    assert not load_saved(tmp_path).model.mapper[0].layers[0].weight.any()
    assert load_saved(tmp_path / "model").model.mapper[0].layers[0].weight.any()
    weights = {name: w for name, w in model.state_dict().items() if "mapper" not in name}
    save_weights(weights, tmp_path / "model" / "model.safetensors")
    with pytest.raises(CheckpointError, match=r"of another model: .*\n.*mapper"):
        load_saved(tmp_path / "model")


def test_what_holds_no_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="holds no model"):
        load_saved(tmp_path)
    (tmp_path / "model.json").write_text('{"model": {}, "stage": {}}')
    with pytest.raises(CheckpointError, match=r"the key .* is missing"):
        load_saved(tmp_path)


def test_writing_stops_where_it_must() -> None:
    _, model = built("flamingo")
    image = model.image_config()
    assert len(generate(model, TOKENIZER, image, ["weft"], tokens=5, stop_at_separator=False).encode()) <= 15
    one = generate(model, TOKENIZER, image, ["weft", picture(1)], tokens=5, temperature=1.0, seed=1)
    assert one == generate(model, TOKENIZER, image, ["weft", picture(1)], tokens=5, temperature=1.0, seed=1)
    for wrong in (-1.0, float("nan"), float("inf")):
        with pytest.raises(DataError, match="want a finite number from 0 on"):
            generate(model, TOKENIZER, image, ["weft"], temperature=wrong)
    with pytest.raises(DataError, match="an empty prompt"):
        generate(model, TOKENIZER, image, [])


@pytest.mark.parametrize("name", [*names(), "flamingo/inject.cross.attend=all_previous", "llava15/attention=prefix"])
def test_a_token_with_what_was_kept_is_as_without_it_and_costs_one_token(name: str) -> None:
    name, _, every = name.partition("/")
    model = opened(built(name, *([f"model.{every}"] if every else []))[1])
    document = ["ab", picture(1), "cd", picture(2), "e"][1 if "prefix" in every else 0 :]
    batch = lay_out([document], TOKENIZER, model.image_config(), separated=False)
    kept, passed, towers = Kept(), [], []
    layers_of(model.language)[-1].register_forward_pre_hook(lambda _, args: passed.append(args[0].shape[1]))
    model.vision.register_forward_pre_hook(lambda *_: towers.append(1))
    with torch.no_grad():
        for token in b" weft":
            batch = _longer(batch, token) if passed else batch
            ours = model.hidden(batch, kept)[:, -1]
            costs, images = passed[-1], len(towers)
            torch.testing.assert_close(ours, model.hidden(batch)[:, -1], rtol=1e-4, atol=1e-5)
            assert costs == (passed[0] if len(passed) == 2 else 1)
            assert images == 1 + (len(passed) // 2 - 1)


def test_learned_positions_end_what_is_written_and_refuse_what_is_longer() -> None:
    _, model = built("mapl", "model.language.config.max_position_embeddings=24")
    image = model.image_config()
    said = lay_out([["weft"]], TOKENIZER, image, end=False, separated=False).tokens.shape[1]
    written = generate(model, TOKENIZER, image, ["weft"], tokens=99, temperature=5.0, stop_at_separator=False)
    assert len(written.encode("utf-8", "replace")) <= 3 * (24 - said + 1)  # a byte that is none is shown as three
    with pytest.raises(DataError, match="the language model has 24 positions"):
        generate(model, TOKENIZER, image, ["a text of more than twenty-four bytes"])
    with pytest.raises(DataError, match="longer than seq_len = 24"):
        scorer_of(model).losses([["a text of more than twenty-four bytes"]], [[0]])


def test_a_longer_batch_is_what_laying_it_out_gives() -> None:
    _, model = built("llava15")
    image = model.image_config()
    short = lay_out([[picture(1), "ab"]], TOKENIZER, image, end=False, separated=False)
    long = lay_out([[picture(1), "abc"]], TOKENIZER, image, end=False, separated=False)
    ours = _longer(short, ord("c"))
    with torch.no_grad():
        assert torch.equal(model.logits(replace(ours, loss_mask=long.loss_mask)), model.logits(long))
