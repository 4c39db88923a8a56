"""Documents by hand are laid out as the loader lays them out."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from trainer_samples import TOKENIZER, picture

from vlm.errors import DataError
from vlm.loader import ImageConfig, Loader, LoaderConfig, read_documents
from vlm.prompt import lay_out


@pytest.mark.parametrize("mode", ["fixed", "tiles", "native"])
def test_a_document_by_hand_is_the_loaders(mode: str, drawn: Path) -> None:
    tokens = None if mode == "native" else 4
    image = ImageConfig(mode=mode, size=32, patch=8, tokens=tokens, max_tiles=2, max_patches=32)
    config = LoaderConfig(
        datasets=(str(drawn),), batch_size=1, seq_len=8192, image=image, one_pass=True, threads=0, dtype="float32",
        lanes=1, patch_budget=4096,
    )  # fmt: skip
    by_key = {document.key: document.nodes for document in read_documents(str(drawn))}
    batch = next(iter(Loader(config)))
    whole = [i for i, ends in enumerate(batch.sources[:, 7].tolist()) if ends == 3]
    assert whole
    for number in whole[:3]:
        ours = lay_out([by_key[batch.keys[number]]], TOKENIZER, image)
        row, start, size = batch.sources[number, :3].tolist()
        span = (row, slice(start, start + size))
        for name in ("tokens", "loss_mask", "valid", "positions"):
            assert torch.equal(getattr(ours, name)[0], getattr(batch, name)[span]), name
        first = batch.image_index[span][batch.image_index[span] >= 0].min()
        for name in ("image_index", "last_image"):
            theirs = getattr(batch, name)[span]
            assert torch.equal(getattr(ours, name)[0], torch.where(theirs >= 0, theirs - first, -1)), name
        crops = (batch.grid_image >= first) & (batch.grid_image < first + len(ours.image_ok))
        assert torch.equal(ours.grids, batch.grids[crops])
        at = batch.cu_patches[:-1][crops][0]
        torch.testing.assert_close(ours.patches, batch.patches[at : at + len(ours.patches)])


def test_only_chosen_nodes_are_targets() -> None:
    image = ImageConfig(size=32, patch=8, tokens=4)
    batch = lay_out([["ab", picture(1), "cd"]], TOKENIZER, image, targets=[[2]], end=False)
    assert batch.tokens[0][batch.loss_mask[0]].tolist() == [99, 100, 10, 10]


def test_a_prompt_does_not_end_in_the_separator() -> None:
    image = ImageConfig(size=32, patch=8, tokens=4)
    batch = lay_out([["ab", "cd"]], TOKENIZER, image, end=False, separated=False)
    assert batch.tokens[0].tolist() == [256, 97, 98, 10, 10, 99, 100]


def test_an_image_that_is_none_is_refused() -> None:
    image = ImageConfig(size=32, patch=8, tokens=4)
    with pytest.raises(DataError, match="node 1 is an image that cannot be read"):
        lay_out([["a", b"no image"]], TOKENIZER, image)
    with pytest.raises(DataError, match="image 0 cannot be decoded"):
        lay_out([[picture(1)[:300]]], TOKENIZER, image)
