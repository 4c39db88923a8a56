"""Mappers: how many tokens come out, which go where, and what does not fit."""

from __future__ import annotations

import pytest
import torch

from vlm.config import MapperPart
from vlm.errors import PresetError
from vlm.model.mapper import Mapper

GRID = (4, 4)
BOTH = (
    (MapperPart(kind="latent", attend="cross", queries=3, heads=2), MapperPart(kind="linear")),
    (MapperPart(kind="linear"),),
)
"""A Q-Former and a linear layer side by side, as BLIVA has."""


def mapper(*parts: dict, width: int = 8, out: int = 12) -> Mapper:
    torch.manual_seed(0)
    return Mapper(tuple(MapperPart(**part) for part in parts), width, out).eval()


@pytest.mark.parametrize(
    ("parts", "tokens", "width"),
    [
        ([{"kind": "linear", "depth": 0}], 16, 8),
        ([{"kind": "linear", "depth": 3}], 16, 12),
        ([{"kind": "linear", "tokens": 2}], 32, 12),
        ([{"kind": "pool", "pool": "avg", "k": 4}], 4, 8),
        ([{"kind": "pool", "pool": "max", "k": 16}], 1, 8),
        ([{"kind": "pool", "pool": "random", "k": 2}], 8, 8),
        ([{"kind": "pool", "pool": "concat", "k": 4}], 4, 32),
        ([{"kind": "pool", "pool": "shuffle", "k": 4}], 4, 32),
        ([{"kind": "pool", "pool": "conv", "k": 4}, {"kind": "pool", "pool": "shuffle", "k": 4}], 1, 32),
        ([{"kind": "latent", "attend": "joint", "queries": 3, "heads": 2}], 3, 8),
        ([{"kind": "latent", "attend": "cross", "queries": 3, "heads": 2, "width": 6, "cross_every": 2}], 3, 6),
        ([{"kind": "latent", "attend": "cross_concat", "queries": 5, "heads": 2}], 5, 8),
        ([{"kind": "latent", "queries": 1, "per_group": 4, "heads": 2}, {"kind": "linear"}], 4, 12),
        ([{"kind": "branch", "branches": BOTH}], 19, 12),
    ],
)
def test_what_comes_out(parts: list[dict], tokens: int, width: int) -> None:
    chain = mapper(*parts)
    assert chain.tokens(16, GRID) == tokens
    assert chain(torch.randn(3, 16, 8), GRID).shape == (3, tokens, width)
    assert chain.out_width == width


def test_shuffle_puts_squares_of_the_grid_side_by_side() -> None:
    chain = mapper({"kind": "pool", "pool": "shuffle", "k": 4}, width=1)
    x = torch.arange(16.0).view(1, 16, 1)
    assert chain(x, GRID)[0].tolist() == [[0, 1, 4, 5], [2, 3, 6, 7], [8, 9, 12, 13], [10, 11, 14, 15]]


def test_random_takes_one_of_each_group_in_training_and_the_first_after() -> None:
    chain = mapper({"kind": "pool", "pool": "random", "k": 4}, width=1)
    x = torch.arange(16.0).view(1, 16, 1)
    assert chain(x, GRID).flatten().tolist() == [0, 4, 8, 12]
    chain.train()
    seen = {tuple((chain(x, GRID).flatten() // 4).tolist()) for _ in range(20)}
    assert seen == {(0, 1, 2, 3)}
    assert len({tuple(chain(x, GRID).flatten().tolist()) for _ in range(20)}) > 1


@pytest.mark.parametrize("attend", ["joint", "cross", "cross_concat"])
def test_queries_see_every_feature_and_crops_do_not_see_each_other(attend: str) -> None:
    chain = mapper({"kind": "latent", "attend": attend, "queries": 2, "heads": 2})
    x = torch.randn(2, 16, 8)
    first = chain(x, GRID)
    for token in (0, 15):
        y = x.clone()
        y[0, token] = torch.randn(8)  # not a shift: a norm would hide that
        second = chain(y, GRID)
        assert (first[0] - second[0]).abs().max() > 1e-6
        assert torch.equal(first[1], second[1])


def test_groups_do_not_see_each_other() -> None:
    chain = mapper({"kind": "latent", "queries": 1, "per_group": 4, "heads": 2})
    x = torch.randn(1, 16, 8)
    y = x.clone()
    y[0, 5] += 1
    changed = (chain(x, GRID) != chain(y, GRID)).any(2)[0]
    assert changed.tolist() == [False, True, False, False]


def test_branches_give_what_their_chains_give_one_after_the_other() -> None:
    chain, x = mapper({"kind": "branch", "branches": BOTH}), torch.randn(2, 16, 8)
    few, all_of_them = chain[0]
    assert torch.equal(chain(x, GRID), torch.cat([few(x, GRID), all_of_them(x, GRID)], 1))
    for wrong in ((), (BOTH[0], (MapperPart(kind="linear", out=5),))):
        with pytest.raises(PresetError, match="want chains that give one width, not"):
            mapper({"kind": "branch", "branches": wrong})


@pytest.mark.parametrize(
    ("part", "message"),
    [
        ({"kind": "pool", "pool": "avg", "k": 5}, "16 tokens are no multiple of k = 5"),
        ({"kind": "pool", "pool": "conv", "k": 9}, "does not divide the grid"),
        ({"kind": "latent", "per_group": 3, "heads": 2}, "no multiple of per_group = 3"),
    ],
)
def test_what_does_not_divide_is_refused(part: dict, message: str) -> None:
    with pytest.raises(PresetError, match=message):
        mapper(part).tokens(16, GRID)
