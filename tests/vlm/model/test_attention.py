"""Both ways of attention see the same: documents on the CPU, and flex attention's mask."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch.nn.attention.flex_attention import flex_attention
from trainer_samples import batch_of, built, documents, picture

from vlm.model.attention import BLOCK, PADDING, PROMPT, Layout, _each_document, block_mask, layout_of
from vlm.model.cross import _each_run, media_of
from vlm.model.cross import block_mask as cross_mask


@pytest.fixture(scope="module")
def batch():
    _, model = built("llava15")
    made = batch_of(model, documents(3), [0, 0, 1], length=300)
    return replace(made, valid=made.valid & (made.image_index != 1))


@pytest.mark.parametrize("window", [None, 5, 140])
@pytest.mark.parametrize(("prompt", "first"), [(0, 0), (3, 0), (3, 2), (0, 2)])
@pytest.mark.filterwarnings("ignore:flex_attention called without torch.compile")
def test_flex_attention_and_documents_agree(batch, prompt: int, first: int, window: int | None) -> None:
    torch.manual_seed(0)
    layout = layout_of(batch, prompt=prompt, first_image_layer=first)
    rows, length = layout.documents.shape
    q, k, v = torch.randn(rows, 4, length, 16), torch.randn(rows, 2, length, 16), torch.randn(rows, 2, length, 16)
    for layer in {0, first}:
        at = layout.at(layer)
        ours = _each_document(q, k, v, at, None, window)
        flex = flex_attention(q, k, v, block_mask=block_mask(at, window), enable_gqa=True)
        real = at.documents != -1
        torch.testing.assert_close(ours.transpose(1, 2)[real], flex.transpose(1, 2)[real])


@pytest.mark.parametrize("window", [None, 50])
@pytest.mark.parametrize("prompt", [0, 3])
@pytest.mark.filterwarnings("ignore:flex_attention called without torch.compile")
def test_a_prefix_sees_itself_both_ways_in_either_attention(prompt: int, window: int | None) -> None:
    """The weight of each key, against the rule itself; the longest prefix is longer than a block."""
    _, model = built("llava15")
    found = [[*(picture(i) for i in range(9)), "ab"], ["cd", picture(1), "e"], [picture(2), picture(3), "fg"]]
    made = batch_of(model, found, [0, 0, 1], length=240)
    made = replace(made, valid=made.valid & (made.image_index != 1))
    layout = layout_of(made, prompt=prompt, prefix=True)
    rows, n = layout.documents.shape
    values = torch.eye(n).expand(rows, 1, n, n)
    zeros = torch.zeros(rows, 1, n, 16)
    ours = _each_document(zeros, zeros, values, layout, None, window)[:, 0]
    flex = flex_attention(zeros, zeros, values, block_mask=block_mask(layout, window))[:, 0]
    documents, positions = layout.documents, layout.positions
    real = documents >= 0
    first = [int(made.loss_mask[0, : made.sources[0, 2]].nonzero()[0])]
    first += [int(made.loss_mask[row, at : at + size].nonzero()[0]) for row, at, size in made.sources[1:, :3].tolist()]
    begins = torch.tensor([*first, 0])[documents.clamp(min=-1)] + prompt
    prefix = real & (positions < begins)
    assert prefix.sum() == sum(first) > 128
    same = (documents[:, :, None] == documents[:, None]) & layout.valid[:, None]
    apart = positions[:, :, None] - positions[:, None]
    wanted = (same & (apart > 0)) | ((documents == PROMPT)[:, None] & real[:, :, None])
    wanted |= torch.eye(n, dtype=torch.bool) | (same & prefix[:, :, None] & prefix[:, None])
    if window:
        wanted &= apart < window
    assert torch.equal((flex > 0)[real], wanted[real])
    assert torch.equal((ours > 0)[real], wanted[real])


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
    flex = flex_attention(q, k[0], k[1], block_mask=cross_mask(media))
    seen = media.sees[:, 0]
    torch.testing.assert_close(ours[:, :, seen], flex[:, :, seen])
    assert not ours[:, :, ~seen].any()
    assert seen.any()
    assert not seen.all()


@pytest.mark.parametrize("window", [None, 1, 100, 300])
@pytest.mark.parametrize("prompt", [0, 5, 140])
@pytest.mark.filterwarnings("ignore:flex_attention called without torch.compile")
def test_blocks_made_from_borders_leave_out_no_pair_and_let_none_in(prompt: int, window: int | None) -> None:
    """Documents shorter and longer than a block, holes, padding: every pair of tokens, against the rule itself."""
    rng = torch.Generator().manual_seed(prompt)
    rows = []
    for sizes in ([40, 500, 3, 90], [128, 128, 256], [700]):
        row = torch.cat([torch.full((n,), i) for i, n in enumerate(sizes)])
        rows.append(torch.cat([torch.full((prompt,), PROMPT), row, torch.full((760 - len(row),), PADDING)]))
    documents = torch.stack(rows)
    valid = (documents != PADDING) & ((torch.rand(documents.shape, generator=rng) > 0.01) | (documents == PROMPT))
    n = documents.shape[1]
    q, k = torch.arange(n)[:, None], torch.arange(n)
    first = (documents[:, :, None] == documents[:, None]).int().argmax(2)  # of each document
    positions = torch.where(documents >= 0, k - first + prompt, torch.where(documents == PROMPT, k, 0))
    layout = Layout(documents=documents, valid=valid, positions=positions, segments=(), prompt=prompt)
    mask = block_mask(layout, window)
    own = (documents[:, :, None] == documents[:, None]) & (q > k) & valid[:, None]
    wanted = own | (q == k) | ((k < prompt) & (documents >= 0)[:, :, None])
    if window is not None:
        wanted &= positions[:, :, None] - positions[:, None] < window
    looked_at = mask.to_dense()[:, 0].bool()
    for row in range(3):
        blocks = looked_at[row].repeat_interleave(BLOCK, 0).repeat_interleave(BLOCK, 1)[:n, :n]
        assert not (wanted[row] & ~blocks).any()
    values = torch.eye(n).expand(3, 1, n, n)  # the output is the weight of each key
    weights = flex_attention(torch.zeros(3, 1, n, 16), torch.zeros(3, 1, n, 16), values, block_mask=mask)[:, 0]
    assert torch.equal(weights > 0, wanted)
    assert mask.sparsity() > 40
    if window in (None, 300):
        assert mask.full_kv_num_blocks.sum() > 0
