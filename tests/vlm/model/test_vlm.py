"""Every preset: documents do not leak, images reach the text after them and no other, gates at zero change nothing."""

from __future__ import annotations

import functools
from dataclasses import replace

import pytest
import torch
from trainer_samples import TOKENIZER, batch_of, built, documents, opened, picture

from vlm.config import load_preset, names
from vlm.errors import PresetError
from vlm.model.cross import media_of
from vlm.model.language import checkpoint_layers
from vlm.model.vlm import Vlm, targets_of
from vlm.prompt import lay_out
from vlm.train.flops import first_that_learns

CROSS = ("flamingo", "openflamingo", "idefics1")
SAME = [name for name in names() if "prompt" not in load_preset(name, size="tiny").stages[-1].train]


@functools.cache
def model_of(name: str) -> Vlm:
    """Built once for this file; nothing here trains it."""
    return opened(built(name)[1])


@torch.no_grad()
def logits(model: Vlm, batch) -> torch.Tensor:
    return model.logits(batch)


def tokens_of(batch, number: int) -> torch.Tensor:
    return batch.document_ids == number


@pytest.mark.parametrize("name", names())
def test_changing_one_document_of_a_pack_changes_no_logit_of_another(name: str) -> None:
    model, found = model_of(name), documents(4)
    pack = [0, 0, 0, 1]
    before = batch_of(model, found, pack)
    first = logits(model, before)
    found[1] = [found[1][0][::-1], picture(77), found[1][2][::-1], picture(78, 64, 96), found[1][4][::-1]]
    after = batch_of(model, found, pack)
    second = logits(model, after)
    assert torch.equal(before.document_ids, after.document_ids)
    assert torch.isfinite(second).all()
    for other in (0, 2, 3):
        assert torch.equal(first[tokens_of(before, other)], second[tokens_of(before, other)])
    changed = tokens_of(before, 1)
    assert (first[changed] - second[changed]).abs().max() > 1e-3


@pytest.mark.parametrize("name", names())
def test_a_document_in_a_pack_is_as_it_is_alone(name: str) -> None:
    model, found = model_of(name), documents(3)
    packed = batch_of(model, found, [0, 0, 0])
    together = logits(model, packed)
    for number, document in enumerate(found):
        alone = logits(model, batch_of(model, [document]))
        torch.testing.assert_close(together[tokens_of(packed, number)], alone[0], atol=2e-5, rtol=1e-4)


@pytest.mark.parametrize("name", names())
def test_an_image_is_seen_by_the_text_after_it_only(name: str) -> None:
    model, (document,) = model_of(name), documents(1)
    batch = batch_of(model, [document])
    other = batch_of(model, [[document[0], picture(99), *document[2:]]])
    change = (logits(model, batch) - logits(model, other)).abs().amax(2)[0]
    begins = int((batch.last_image[0] >= 0).nonzero()[0])
    after = (batch.last_image[0] == 0) & (batch.tokens[0] < 256)
    assert change[:begins].max() == 0
    assert change[after].max() > 1e-6


@pytest.mark.parametrize("name", names())
def test_an_image_that_could_not_be_read_reaches_nobody(name: str) -> None:
    model, (document,) = model_of(name), documents(1)

    def failed(number: int):
        batch = batch_of(model, [[document[0], picture(number), *document[2:]]])
        ok = torch.tensor([False, True])
        bad = batch.image_index == 0
        return replace(batch, image_ok=ok, valid=batch.valid & ~bad)

    one, two = failed(1), failed(2)
    text = one.tokens[0] < 256
    assert torch.equal(logits(model, one)[0, text], logits(model, two)[0, text])


@pytest.mark.parametrize("name", SAME)
def test_without_an_image_the_model_is_the_language_model(name: str) -> None:
    _, model = built(name)  # LoRA at zero, as it begins
    for block in model.cross.values():
        torch.nn.init.constant_(block.gate, 0.7)
        torch.nn.init.constant_(block.gate_ffn, 0.7)
    batch = batch_of(model, [["a loom", "holds a warp"], ["weft"]], [0, 0])
    want = language_only(model, batch)
    assert torch.equal(logits(model, batch), want)


@torch.no_grad()
def language_only(model: Vlm, batch) -> torch.Tensor:
    """The language model by itself, one document at a time, with transformers' own attention."""
    bare = built_language(model)
    out = torch.zeros(*batch.tokens.shape, bare.config.vocab_size)
    for row, start, size in batch.sources[:, :3].tolist():
        span = slice(start, start + size)
        out[row, span] = bare(input_ids=batch.tokens[row : row + 1, span]).logits[0]
    padding = ~batch.valid
    out[padding] = logits(model, batch)[padding]
    return out


def built_language(model: Vlm):
    import copy

    import transformers

    config = copy.deepcopy(model.language.config)
    bare = transformers.AutoModelForCausalLM.from_config(config, attn_implementation="sdpa").eval()
    weights = {k.replace(".base.", "."): v for k, v in model.language.state_dict().items() if "lora_" not in k}
    bare.load_state_dict(weights)
    return bare


@pytest.mark.parametrize("name", CROSS)
def test_gates_at_zero_give_the_language_models_logits_exactly(name: str) -> None:
    _, model = built(name)
    batch = batch_of(model, documents(3), [0, 0, 1])
    assert torch.equal(logits(model, batch), language_only(model, batch))
    assert set(model.gates().values()) == {0.0}


@pytest.mark.parametrize("attend", ["last_image", "all_previous"])
def test_text_before_any_image_gets_zero_not_nan(attend: str) -> None:
    _, model = built("flamingo", f"model.inject.cross.attend={attend}", "model.inject.cross.skip_without_image=false")
    opened(model)
    batch = batch_of(model, [["before", picture(1), "after"]])
    states = logits(model, batch)
    assert torch.isfinite(states).all()
    other = logits(model, batch_of(model, [["before", picture(2), "after"]]))
    begins = int((batch.last_image[0] >= 0).nonzero()[0])
    assert torch.equal(states[:, :begins], other[:, :begins])


@pytest.mark.parametrize(("attend", "first"), [("last_image", 1), ("all_previous", 0)])
def test_which_images_a_text_attends_to(attend: str, first: int) -> None:
    model = built("flamingo", f"model.inject.cross.attend={attend}")[1]
    batch = batch_of(model, [["one", picture(1), "two", picture(5), "three"], ["four", picture(6)]], [0, 0])
    images = torch.arange(3).repeat_interleave(8)
    media = media_of(batch, torch.zeros(24, 64), images, model.config.inject.cross, 0)
    behind = (batch.last_image[0] == 1) & (batch.document_ids[0] == 0)
    assert media.first[behind].unique().tolist() == [first]
    assert media.last[behind].unique().tolist() == [1]
    assert media.first[batch.last_image[0] == 2].unique().tolist() == [2]  # not those of the document before
    assert not media.sees[:, 0][batch.last_image[0] < 0].any()
    for ok, sees in ((torch.tensor([True, False, True]), attend == "all_previous"), (torch.arange(3) == 2, False)):
        failed = media_of(replace(batch, image_ok=ok), torch.zeros(24, 64), images, model.config.inject.cross, 0)
        assert failed.sees[:, 0][behind].unique().tolist() == [sees]  # one that could not be read is as none


def test_targets_are_texts_and_ends_and_never_follow_what_could_not_be_read() -> None:
    model = model_of("llava15")
    batch = batch_of(model, [["ab", picture(1), "c"]])
    found, where = targets_of(batch)
    assert found.tolist() == [97, 98, 10, 10, 99, 10, 10, 257]
    marks = batch.tokens[0] == 261  # image_end, the one before "c"
    bad = replace(batch, valid=batch.valid & ~marks)
    assert targets_of(bad)[0].tolist() == [97, 98, 10, 10, 10, 10, 257]
    assert torch.equal(batch.tokens.flatten()[where], found)


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (("model.inject.input=false",), "would see no image"),
        (("model.mapper=[{kind='linear', out=48}]",), "width 48, the language model takes 64"),
        (("model.layout.patch=8",), "patches of 16 pixels, the layout of 8"),
        (("model.vision.last=2",), "vision.last is more than 1"),
        (("model.mapper=[{kind='pool', k=3}]",), "width 32, the language model takes 64"),
        (("model.mapper=[{kind='linear', queries=3}]",), "does not take queries"),
        (("model.mapper=[{kind='pool', pool='shuffle', k=3}]",), "want a square number"),
        (("model.inject.inner={layers=[1, 9]}",), "2 layers, vision.last gives 1"),
        (("model.tune.lora={rank=4, alpha=4.0, targets=['nothing']}",), "no such linear layers"),
        (("model.language.model=/nowhere",), "language model /nowhere cannot be had here"),
        (("model.vision.model=ViT-Nowhere",), "no model ViT-Nowhere"),
        (("model.layout.sice=3",), "no key sice"),
        (("model.layout.size=big",), "want int"),
    ],
)
def test_parts_that_do_not_fit_are_refused_by_name(overrides: tuple[str, ...], message: str) -> None:
    with pytest.raises(PresetError, match=message):
        built("llava15", *overrides)


def test_tokens_that_do_not_divide_are_refused() -> None:
    _, model = built("llava15", "model.mapper=[{kind='linear'}, {kind='pool', k=5}]")
    with pytest.raises(PresetError, match="16 tokens are no multiple of k = 5"):
        model.image_config()


def test_a_stage_that_trains_nothing_is_refused() -> None:
    model = model_of("llava15")
    with pytest.raises(PresetError, match="no parameters in the group cross"):
        model.trains(("cross",))
    with pytest.raises(PresetError, match="no group mappers"):
        model.trains(("mappers",))


@pytest.mark.parametrize("name", ["llava15", "flamingo", "epalm"])
def test_checkpointed_gradients_are_the_same(name: str) -> None:
    grads = []
    for again in (False, True):
        preset, model = built(name)
        model.trains(preset.stages[-1].train)
        opened(model).train()
        if again:
            checkpoint_layers(model.language)
        model(batch_of(model, documents(2), [0, 0])).nll.sum().backward()
        grads.append([p.grad for p in model.parameters() if p.requires_grad])
    for one, two in zip(*grads, strict=True):
        torch.testing.assert_close(one, two)


def test_a_batch_without_images_still_uses_every_trained_parameter() -> None:
    preset, model = built("llava15")
    names = set(model.trains(("mapper",)))
    model.train()
    model(batch_of(model, [["text only"]])).nll.sum().backward()
    assert preset.stages[0].train == ("mapper",)
    assert [n for n, p in model.named_parameters() if n in names and p.grad is None] == []
    assert all(not p.grad.any() for n, p in model.named_parameters() if n in names)


@pytest.mark.parametrize("name", ["llava15", "flamingo", "idefics2"])
def test_a_batch_without_targets_still_uses_every_trained_parameter(name: str) -> None:
    """A rank whose rows hold nothing to predict takes part in the backward pass of the others."""
    preset, model = built(name)
    model.trains(preset.stages[-1].train)
    model.train()
    batch = batch_of(model, documents(1))
    tokens = model(replace(batch, loss_mask=torch.zeros_like(batch.loss_mask), num_targets=0))
    assert tokens.nll.shape == tokens.z.shape == tokens.where.shape == (0,)
    tokens.nll.sum().backward()
    learns = [(n, p) for n, p in model.named_parameters() if p.requires_grad]
    assert [n for n, p in learns if p.grad is None] == []
    assert not any(p.grad.any() for _, p in learns)


@pytest.mark.parametrize("name", ["llava15", "flamingo"])
def test_among_ranks_a_batch_without_images_gathers_the_tower_too(name: str, monkeypatch) -> None:
    """Where one rank left the tower out of an evaluation, its next gather met the other's of the tower."""
    _, model = built(name)
    batch = batch_of(model, [["loom and reed", "warp"]])
    seen: list[str] = []
    model.vision.register_forward_hook(lambda *_: seen.append("vision"))
    alone = model(batch).nll
    assert not seen
    monkeypatch.setattr("vlm.model.vlm.is_initialized", lambda: True)
    torch.testing.assert_close(model(batch).nll, alone)
    assert seen == ["vision"]


def test_a_stage_may_show_images_larger() -> None:
    model = model_of("llava15")
    image = model.image_config(96)
    assert image.tokens == 36
    batch = lay_out([["a", picture(1), "b"]], TOKENIZER, image)
    assert torch.isfinite(logits(model, batch)).all()


@pytest.mark.parametrize("name", ["llava15", "mapl", "flamingo"])
def test_adapters_are_nothing_at_first_and_then_learn(name: str) -> None:
    plain, (_, model) = built(name)[1], built(name, "model.tune.adapter={width=8}")
    model.load_state_dict(plain.state_dict(), strict=False)
    batch = batch_of(model, documents(2), [0, 0])
    assert torch.equal(logits(model, batch), logits(plain, batch))
    learns = model.trains(("adapter",))
    assert len(learns) == 4 * len(model.adapter) == 4 * 4
    model.train()
    model(batch).nll.sum().backward()
    assert all(model.get_parameter(n).grad.any() for n in learns if "up." in n)
    assert first_that_learns(model) == 1  # after the first layer
    with torch.no_grad():
        for n in learns:
            model.get_parameter(n).normal_(std=0.3)
    together = logits(opened(model.eval()), batch)
    assert not torch.equal(together, logits(opened(plain), batch))
    alone = logits(model, batch_of(model, [documents(2)[1]]))[0]
    torch.testing.assert_close(together[tokens_of(batch, 1)], alone, atol=2e-4, rtol=1e-3)


def test_a_prefix_sees_itself_both_ways_and_what_is_to_be_predicted_does_not() -> None:
    both, causal = (built("llava15", *more)[1] for more in (("model.attention=prefix",), ()))
    causal.load_state_dict(both.state_dict())
    found = [[picture(1), "ab", picture(2), "cd"], ["ef", picture(3), "gh"]]
    batch = batch_of(both, found, [0, 0])
    first = logits(both, batch)
    for model, change in ((both, True), (causal, False)):
        other = batch_of(model, [[picture(9), "ab", picture(2), "cd"], found[1]], [0, 0])
        start = int((batch.image_index[0] == 0).nonzero()[0]) - 1  # the token before the image
        same = torch.equal(logits(model, batch)[0, : start + 1], logits(model, other)[0, : start + 1])
        assert same is not change
        alone = logits(model, batch_of(model, [found[1]]))[0]
        torch.testing.assert_close(logits(model, batch)[tokens_of(batch, 1)], alone, atol=2e-5, rtol=1e-4)
    later = logits(both, batch_of(both, [[picture(1), "ab", picture(7), "xy"], found[1]], [0, 0]))
    known = int(batch.loss_mask[0].nonzero()[3]) + 1  # "ab" and its separator: what comes after does not change them
    assert torch.equal(first[0, :known], later[0, :known])


def test_ways_of_injection_can_be_combined() -> None:
    """At the input and through gates (as NVLM-H): documents stay apart, and each way carries the image."""
    model = opened(built("llava15", "model.inject.cross={every=2, heads=4, head_width=16}")[1])
    found = documents(2)
    packed = batch_of(model, found, [0, 0])
    together = logits(model, packed)
    alone = logits(model, batch_of(model, [found[1]]))[0]
    torch.testing.assert_close(together[tokens_of(packed, 1)], alone, atol=2e-5, rtol=1e-4)
    with torch.no_grad():
        for block in model.cross.values():
            block.gate.zero_()
            block.gate_ffn.zero_()
    assert not torch.equal(logits(model, packed), together)
