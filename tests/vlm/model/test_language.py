"""Language models of many families: packed logits are their own; what would be wrong in silence is refused."""

from __future__ import annotations

import copy
from dataclasses import replace
from pathlib import Path

import pytest
import torch
import transformers
from trainer_samples import batch_of, built, documents, opened

from vlm.config import LanguageConfig, LoraConfig, load_preset
from vlm.errors import PresetError
from vlm.evaluate.generate import _longer
from vlm.model.attention import Kept
from vlm.model.language import add_lora, load_language, windows_of
from vlm.model.vlm import Vlm
from vlm.train.flops import FlopCounter

pytestmark = pytest.mark.train  # loads eight families of transformers
LAYERS = {"num_hidden_layers": 3, "num_attention_heads": 4}
WIDE = {"hidden_size": 64, "intermediate_size": 96, "vocab_size": 300, **LAYERS}
SLIDES = {"sliding_window": 9, "layer_types": ["sliding_attention", "full_attention", "sliding_attention"]}
OPT = {"hidden_size": 64, "ffn_dim": 96, "vocab_size": 300, "dropout": 0.0, **LAYERS}
SMALL = {"n_embd": 64, "n_layer": 3, "n_head": 4, "vocab_size": 300}
FAMILIES = {
    "mistral": {**WIDE, "num_key_value_heads": 2, "sliding_window": 9},
    "qwen3": {**WIDE, "num_key_value_heads": 2, "head_dim": 32},
    "gemma3_text": {**WIDE, "num_key_value_heads": 2, "head_dim": 16, **SLIDES},
    "cohere": {**WIDE, "num_key_value_heads": 2, "logit_scale": 0.25},
    "granite": {**WIDE, "num_key_value_heads": 2, "logits_scaling": 8.0},
    "gpt_neox": {**WIDE, "hidden_dropout": 0.0, "attention_dropout": 0.0},
    "opt": {**OPT, "word_embed_proj_dim": 32, "do_layer_norm_before": False},  # narrow embeddings, as OPT-350M
    "gpt2": SMALL,
}
"""Each with what sets it apart."""


def family(kind: str, preset: str = "llava15", **more) -> Vlm:
    """A model of a preset around a language model of that family, its weights large enough to tell tokens apart."""
    made = load_preset(preset, size="tiny").model
    torch.manual_seed(0)
    model = Vlm(replace(made, language=LanguageConfig(config={"model_type": kind, **FAMILIES[kind], **more})), 262)
    with torch.no_grad():
        for parameter in model.language.parameters():
            if parameter.ndim >= 2:
                parameter.normal_(std=0.15)
    return opened(model).eval()


@torch.no_grad()
@pytest.mark.parametrize("kind", FAMILIES)
def test_packed_logits_are_those_of_the_family_itself(kind: str) -> None:
    model = family(kind)
    own = transformers.AutoModelForCausalLM.from_config(
        copy.deepcopy(model.language.config), attn_implementation="eager"
    ).eval()
    own.load_state_dict(model.language.state_dict())
    batch = batch_of(model, [["a loom holds a warp, and the weft", "goes over"], ["a shed"]], [0, 0])
    ours = model.logits(batch)
    for row, start, size in batch.sources[:, :3].tolist():
        span = slice(start, start + size)
        torch.testing.assert_close(ours[row, span], own(input_ids=batch.tokens[row : row + 1, span]).logits[0],
                                   atol=1e-4, rtol=1e-4)  # fmt: skip


@torch.no_grad()
@pytest.mark.parametrize("kind", ["mistral", "gemma3_text"])
def test_a_sliding_window_holds_while_a_text_is_written(kind: str) -> None:
    model = family(kind)
    batch, kept = batch_of(model, [["a loom holds a warp"]]), Kept()
    for token in (None, 97, 98, 99):
        batch = batch if token is None else _longer(batch, token)
        ours = model.hidden(batch, kept)[:, -1]
        torch.testing.assert_close(ours, model.hidden(batch)[:, -1], atol=1e-5, rtol=1e-4)


def test_windows_shorter_than_the_rows_are_known_before() -> None:
    model = family("gemma3_text")
    assert windows_of(model.language, 512) == [9, None]
    assert windows_of(model.language, 9) == [None]
    assert windows_of(family("mistral").language, 512) == [9]
    assert windows_of(built("llava15")[1].language, 512) == [None]


@pytest.mark.parametrize("kind", ["opt", "gpt2", "gpt_neox", "qwen3"])
@pytest.mark.parametrize("preset", ["flamingo", "depalm_qp_inner", "epalm"])
def test_every_way_of_injection_takes_every_family(kind: str, preset: str) -> None:
    """Layers may be wider than embeddings; documents stay apart, and the images reach what comes after them."""
    model = family(kind, preset)
    found = documents(2)
    together = model.logits(batch_of(model, found, [0, 0]))
    alone = model.logits(batch_of(model, [found[1]]))[0]
    assert torch.isfinite(together).all()
    torch.testing.assert_close(together[0, -len(alone) :], alone, atol=1e-4, rtol=1e-3)
    assert float(FlopCounter(model).count(batch_of(model, found)).total) > 0


@pytest.mark.parametrize(
    ("config", "why"),
    [
        ({"model_type": "bloom", "hidden_size": 64, "n_layer": 2, "n_head": 4}, "would see each other"),
        ({"model_type": "mamba", "hidden_size": 64, "num_hidden_layers": 2, "state_size": 8}, "would see each other"),
        ({"model_type": "gptj", **SMALL, "rotary_dim": 8}, "its attention cannot be exchanged"),
        ({"model_type": "stablelm", **WIDE}, "cannot be used here"),
        ({"model_type": "gemma2", **WIDE, "head_dim": 16}, "caps its logits"),
        ({"model_type": "gemma2", **WIDE, "head_dim": 16, "final_logit_softcapping": None}, "capped or has sinks"),
        ({"model_type": "gpt_oss", **WIDE, "head_dim": 16, "num_local_experts": 2}, "capped or has sinks"),
    ],
)
def test_a_family_that_would_be_wrong_silently_is_refused(config: dict[str, object], why: str) -> None:
    with pytest.raises(PresetError, match=why):
        load_language(LanguageConfig(config=config), 300)


def test_weights_learn_in_float32_whatever_they_are_stored_in(tmp_path: Path) -> None:
    """In bfloat16 an update of less than 1/256 of a weight is lost."""
    config = transformers.LlamaConfig(**WIDE)
    transformers.LlamaForCausalLM(config).to(torch.bfloat16).save_pretrained(tmp_path)
    model = load_language(LanguageConfig(model=str(tmp_path)), 310)
    assert {parameter.dtype for parameter in model.parameters()} == {torch.float32}
    assert model.get_input_embeddings().num_embeddings == 310


@pytest.mark.parametrize(
    ("kind", "target", "layers"), [("opt", "fc1", 3), ("gpt_neox", "query_key_value", 3), ("qwen3", "o_proj", 3)]
)
def test_lora_on_layers_of_any_name(kind: str, target: str, layers: int) -> None:
    model = family(kind)
    names = [n for n, _ in model.language.named_modules() if n.endswith(f".{target}")]
    assert add_lora(model.language, LoraConfig(rank=2, alpha=4.0, targets=(target,))) == layers == len(names)
    assert len(model.trains(("lora",))) == 2 * layers


def test_a_lora_target_that_names_nothing_is_refused() -> None:
    targets = ("q_proj", "o_proj")
    with pytest.raises(PresetError, match=r"targets o_proj: .* there are: fc1, fc2, .*q_proj"):
        add_lora(family("opt").language, LoraConfig(rank=2, alpha=4.0, targets=targets))


@pytest.mark.parametrize("kind", ["opt", "gpt2", "gpt_neox", "mistral"])
def test_groups_are_found_in_every_family(kind: str) -> None:
    model = family(kind)
    embeddings, norms = model.trains(("embeddings",)), model.trains(("norm",))
    ends = {id(model.language.get_input_embeddings().weight), id(model.language.get_output_embeddings().weight)}
    assert {id(model.get_parameter(name)) for name in embeddings} == ends
    assert len(norms) >= 2 * 3
    assert all(model.get_parameter(name).ndim == 1 for name in norms)
