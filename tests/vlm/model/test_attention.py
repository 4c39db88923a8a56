"""Both ways of attention see the same: documents on the CPU, and flex attention's mask."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch.nn.attention.flex_attention import flex_attention
from trainer_samples import batch_of, built, documents

from vlm.model.attention import _each_document, block_mask, layout_of
from vlm.model.cross import _block_mask, _each_run, media_of


@pytest.fixture(scope="module")
def batch():
    _, model = built("llava15")
    made = batch_of(model, documents(3), [0, 0, 1], length=300)
    return replace(made, valid=made.valid & (made.image_index != 1))


@pytest.mark.parametrize(("prompt", "first"), [(0, 0), (3, 0), (3, 2), (0, 2)])
@pytest.mark.filterwarnings("ignore:flex_attention called without torch.compile")
def test_flex_attention_and_documents_agree(batch, prompt: int, first: int) -> None:
    torch.manual_seed(0)
    layout = layout_of(batch, prompt=prompt, first_image_layer=first)
    rows, length = layout.documents.shape
    q, k, v = torch.randn(rows, 4, length, 16), torch.randn(rows, 2, length, 16), torch.randn(rows, 2, length, 16)
    for layer in {0, first}:
        at = layout.at(layer)
        ours = _each_document(q, k, v, at, None)
        flex = flex_attention(q, k, v, block_mask=block_mask(at), enable_gqa=True)
        real = at.documents != -1
        torch.testing.assert_close(ours.transpose(1, 2)[real], flex.transpose(1, 2)[real])


def test_layers_below_the_first_injection_see_no_image_token(batch) -> None:
    layout = layout_of(batch, first_image_layer=2)
    assert bool((batch.image_index >= 0)[layout.at(0).valid].any()) is False
    assert bool((batch.image_index >= 0)[layout.at(2).valid].any()) is True


@pytest.mark.parametrize("attend", ["last_image", "all_previous"])
@pytest.mark.filterwarnings("ignore:flex_attention called without torch.compile")
def test_flex_cross_attention_and_runs_agree(batch, attend: str) -> None:
    _, model = built("flamingo", f"model.inject.cross.attend={attend}")
    images = len(batch.image_ok)
    bad = replace(batch, image_ok=torch.arange(images) != 1)
    media = media_of(
        bad, torch.zeros(4 * images, 64), torch.arange(images).repeat_interleave(4), model.config.inject.cross, 0
    )
    torch.manual_seed(0)
    q, k = torch.randn(1, 2, media.first.numel(), 16), torch.randn(2, 1, 2, 4 * images, 16)
    ours = _each_run(q, k[0], k[1], media)
    flex = flex_attention(q, k[0], k[1], block_mask=_block_mask(media))
    seen = media.sees[:, 0]
    torch.testing.assert_close(ours[:, :, seen], flex[:, :, seen])
    assert not ours[:, :, ~seen].any()
    assert seen.any()
    assert not seen.all()
