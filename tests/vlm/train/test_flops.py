"""FLOPs by arithmetic are those that PyTorch counts; what is frozen or padded does not count."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode
from trainer_samples import batch_of, built, documents, opened

from vlm.config import MapperPart
from vlm.model.mapper import Mapper
from vlm.train.flops import FlopCounter, first_that_learns


def counted(call) -> int:
    """FLOPs that PyTorch counts, attention as the matrix products it is made of."""
    with sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as counter:
        call()
    return counter.get_total_flops()


@pytest.mark.parametrize(
    "parts",
    [
        (MapperPart(kind="linear", depth=2), MapperPart(kind="pool", pool="shuffle", k=4), MapperPart(kind="linear")),
        (MapperPart(kind="latent", attend="joint", queries=5, width=32, heads=4),),
        (MapperPart(kind="latent", attend="cross", queries=5, heads=4, cross_every=2, layers=3),),
        (MapperPart(kind="latent", attend="cross_concat", queries=5, heads=2, head_width=8, width=32),),
        (
            MapperPart(kind="latent", attend="joint", queries=2, heads=4, per_group=4),
            MapperPart(kind="linear", tokens=2),
        ),
        (
            MapperPart(
                kind="branch",
                branches=(
                    (
                        MapperPart(kind="linear"),
                        MapperPart(kind="pool", pool="shuffle", k=4),
                        MapperPart(kind="linear"),
                    ),
                    (MapperPart(kind="linear", depth=2),),
                ),
            ),
        ),
    ],
)
def test_a_mapper_costs_what_pytorch_counts(parts) -> None:
    mapper = Mapper(parts, 24, 16)
    assert mapper.flops(16, (4, 4)) == counted(lambda: mapper(torch.zeros(1, 16, 24), (4, 4)))


def test_a_tower_costs_what_pytorch_counts_but_for_its_class_token() -> None:
    _, model = built("llava15")
    batch = batch_of(model, documents(1))
    side = model.config.layout.size // model.config.layout.patch
    ours = model.vision.flops((side, side)) * len(batch.grids)
    assert ours == pytest.approx(counted(lambda: model.vision(batch)), rel=0.1)


@pytest.mark.parametrize("name", ["limber", "frozen"])
def test_a_convolutional_tower_costs_what_pytorch_counts(name: str) -> None:
    _, model = built(name)
    batch = batch_of(model, documents(1))
    side = model.config.layout.size // model.config.layout.patch
    assert model.vision.flops((side, side)) * len(batch.grids) == counted(lambda: model.vision(batch))


@pytest.mark.parametrize(
    ("name", "groups"),
    [
        ("llava15", ("mapper",)),
        ("llava15", ("mapper", "language")),
        ("llava15", ("vision", "mapper", "language")),
        ("idefics2", ("mapper", "lora", "embeddings", "norm")),
        ("mapl", ("mapper",)),
        ("depalm_qp_inner", ("mapper", "scale_bias")),
        ("openflamingo", ("mapper", "cross")),
    ],
)
def test_a_step_costs_the_matrix_products_that_pytorch_counts(name: str, groups: tuple[str, ...]) -> None:
    """Forward and backward, frozen parts apart; attention is counted by pairs that see each other, so not compared."""
    _, model = built(name)
    model.trains(groups)
    opened(model).train()
    batch = batch_of(model, documents(1))
    with sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as counter:
        model(batch).nll.sum().backward()
    theirs = sum(n for op, n in counter.get_flop_counts()["Global"].items() if "bmm" not in str(op))
    without_pairs = replace(batch, sources=torch.zeros_like(batch.sources))
    assert float(FlopCounter(model).count(without_pairs).total) == pytest.approx(theirs, rel=0.06)


def test_frozen_weights_cost_a_third_less_and_padding_nothing() -> None:
    _, model = built("llava15")
    batch = batch_of(model, documents(2))
    model.trains(("vision", "mapper", "language"))
    full = FlopCounter(model).count(batch)
    longer = batch_of(model, documents(2), length=batch.tokens.shape[1] + 100)
    assert torch.equal(FlopCounter(model).count(longer).language, full.language)
    model.trains(("mapper",))
    frozen = FlopCounter(model).count(batch)
    assert 0.6 < frozen.language / full.language < 0.75
    assert 0.3 < frozen.vision / full.vision < 0.8
    nothing = replace(batch, num_targets=0)
    assert FlopCounter(model).count(nothing).language < frozen.language


@pytest.mark.parametrize(
    ("preset", "group", "layer"),
    [("llava15", "mapper", 0), ("llava15", "language", 0), ("flamingo", "cross", 0), ("depalm_qp_inner", "mapper", 1)],
)
def test_gradients_come_back_to_the_first_layer_that_something_enters(preset: str, group: str, layer: int) -> None:
    _, model = built(preset)
    model.trains((group,))
    wanted = layer if model.config.inject.inner is None else min(model.config.inject.inner.layers)
    assert first_that_learns(model) == wanted
