"""Presets: each parses at every size, and trains as many parameters as were published."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from vlm.config import load_preset, names
from vlm.errors import PresetError
from vlm.model.vlm import Vlm

COUNTED = [name for name in names() if load_preset(name).published.parameters]


@pytest.mark.parametrize("name", names())
@pytest.mark.parametrize("size", ["full", "tiny", "demo"])
def test_each_preset_parses_and_says_what_it_leaves_out(name: str, size: str) -> None:
    preset = load_preset(name, size=size)
    assert preset.name == name
    assert preset.not_reproduced
    assert preset.source.startswith("arXiv:")
    assert preset.falls > 0


@pytest.mark.train
@pytest.mark.parametrize("name", COUNTED)
def test_trained_parameters_are_as_many_as_published(name: str) -> None:
    preset = load_preset(name)
    with torch.device("meta"):
        model = Vlm(preset.model, 32000)
    stage = next(stage for stage in preset.stages if stage.name == preset.published.stage)
    assert all(s.seq_len <= (model.room or s.seq_len) for s in preset.stages)
    chosen = set(model.trains(stage.train))
    assert sum(p.numel() for n, p in model.named_parameters() if n in chosen) == preset.published.parameters


@pytest.mark.train
def test_flamingos_resampler_and_blocks_are_as_large_as_published() -> None:
    """194M, and 1.6B of ten blocks, of which this language model has eight."""
    with torch.device("meta"):
        model = Vlm(load_preset("flamingo").model, 32000)
    mapper, blocks = (sum(p.numel() for p in part.parameters()) for part in (model.mapper, model.cross))
    assert (len(model.cross), round(mapper / 1e6), round(10 / 8 * blocks / 1e9, 1)) == (8, 194, 1.6)


def test_the_counts_are_those_of_the_publications() -> None:
    """In millions, as the tables print them."""
    printed = {
        "depalm_qp_l0": 17.9, "depalm_qp_inner": 18.1, "depalm_avgpool_l0": 21.0, "depalm_rand_l0": 21.0,
        "depalm_linear_l0": 88.1, "depalm_qpmapper_l0": 18.1, "mapl": 3.4, "frozen": 40.3, "limber": 12.6, "epalm": 4.2,
        "llava15": 21.0,
    }  # fmt: skip
    assert {name: round(load_preset(name).published.parameters / 1e6, 1) for name in COUNTED} == printed


def test_overrides_reach_tables_and_elements_of_lists() -> None:
    overrides = ["stages.lr=0.5", "model.mapper.0.depth=3", "model.layout.size=28", "name=mine"]
    preset = load_preset("llava15", overrides=overrides)
    assert [stage.lr for stage in preset.stages] == [0.5, 0.5]
    assert (preset.model.mapper[0].depth, preset.model.layout.size, preset.name) == (3, 28, "mine")


@pytest.mark.parametrize(
    ("name", "size", "overrides", "message"),
    [
        ("llava", "full", [], "no preset llava; there are: .*llava15"),
        ("llava15", "huge", [], "no size huge; there are: full, demo, tiny"),
        ("llava15", "full", ["stages.lr"], "want KEY=VALUE"),
        ("llava15", "full", ["stages.lr=fast"], r"lr = 'fast': want float"),
        ("llava15", "full", ["title.x=1"], "title is no table"),
        ("llava15", "full", ["model.layout.mode=round"], "want one of fixed, tiles, native"),
        ("llava15", "full", ["stages=3"], "want a list"),
        ("llava15", "full", ["model.vision=3"], "want a table"),
    ],
)
def test_what_is_wrong_is_named(name: str, size: str, overrides: list[str], message: str) -> None:
    with pytest.raises(PresetError, match=message):
        load_preset(name, size=size, overrides=overrides)


def test_a_preset_of_ones_own(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text('title = "x"\n[model]\n')
    with pytest.raises(PresetError, match=r"mine.toml: the key .* is missing"):
        load_preset(str(path))
    path.write_text("title = ")
    with pytest.raises(PresetError, match=r"mine.toml"):
        load_preset(str(path))
