"""A tower on patches gives what its library gives on images; other grids and small towers work."""

from __future__ import annotations

import pytest
import torch
from trainer_samples import TOKENIZER, batch_of, built, documents, picture

from vlm.config import LayoutConfig, VisionConfig
from vlm.errors import PresetError
from vlm.model.vision import Tower, _image, resized_positions
from vlm.prompt import lay_out

VIT = {"image_size": 32, "patch_size": 8, "width": 32, "layers": 3, "head_width": 16}


def batch_for(size: int, patch: int, count: int = 2):
    from vlm.loader import ImageConfig

    image = ImageConfig(size=size, patch=patch, tokens=1)
    return lay_out([[picture(i)] for i in range(count)], TOKENIZER, image)


@torch.no_grad()
def test_open_clips_own_forward_pass_is_ours() -> None:
    torch.manual_seed(0)
    tower = Tower(VisionConfig(config=VIT, features="cls"), LayoutConfig(size=32, patch=8)).eval()
    batch = batch_for(32, 8)
    image = _image(batch.patches.view(2, 16, -1), (4, 4), 8)
    (group,) = tower(batch)
    torch.testing.assert_close(group.layers[-1][:, 0], tower.body(image))


@torch.no_grad()
@pytest.mark.parametrize("features", ["patches", "cls"])
def test_timms_own_forward_pass_is_ours(features: str) -> None:
    torch.manual_seed(0)
    tower = Tower(VisionConfig(model="timm:test_vit", features=features), LayoutConfig(size=160, patch=16)).eval()
    batch = batch_for(160, 16)
    want = tower.body.forward_features(_image(batch.patches.view(2, 100, -1), (10, 10), 16))
    special = tower.body.num_prefix_tokens
    (group,) = tower(batch)
    torch.testing.assert_close(group.layers[-1], want[:, special:] if features == "patches" else want[:, :1])


def test_features_of_several_layers_end_with_the_last() -> None:
    torch.manual_seed(0)
    one, three = (Tower(VisionConfig(config=VIT, last=last), LayoutConfig(size=32, patch=8)).eval() for last in (1, 3))
    three.load_state_dict(one.state_dict())
    batch = batch_for(32, 8)
    with torch.no_grad():
        (single,), (several,) = one(batch), three(batch)
    assert len(several.layers) == 3
    assert torch.equal(several.layers[-1], single.layers[0])
    assert not torch.equal(several.layers[0], several.layers[-1])


def test_positions_of_the_own_grid_are_left_alone_and_others_resized() -> None:
    positions = torch.randn(17, 8)
    assert resized_positions(positions, (4, 4), 1) is positions
    larger = resized_positions(positions, (6, 3), 1)
    assert larger.shape == (19, 8)
    assert torch.equal(larger[0], positions[0])
    flat = torch.cat([positions[:1], torch.ones(16, 8)])
    torch.testing.assert_close(resized_positions(flat, (8, 8), 1)[1:], torch.ones(64, 8))


@pytest.mark.parametrize("mode", ["tiles", "native"])
def test_images_of_several_crops_and_of_their_own_size(mode: str) -> None:
    """A document in a pack is as it is alone, though its crops go through the tower beside others'."""
    _, model = built("llava15", f"model.layout.mode={mode}")
    found = documents(3)
    batch = batch_of(model, found, [0, 0, 0])
    assert len(batch.grids.unique(dim=0)) == (1 if mode == "tiles" else 2)
    with torch.no_grad():
        together = model.logits(batch)
        for number, document in enumerate(found):
            alone = model.logits(batch_of(model, [document]))[0]
            torch.testing.assert_close(together[batch.document_ids == number], alone, atol=2e-5, rtol=1e-4)


def test_merged_patches_of_native_images() -> None:
    mapper = "model.mapper=[{kind='pool', pool='shuffle', k=4}, {kind='linear'}]"
    _, model = built("llava15", "model.layout.mode=native", "model.layout.merge=2", mapper)
    batch = batch_of(model, documents(1))
    assert int((batch.image_index >= 0).sum()) == int(batch.grids.prod(1).sum()) // 4
    assert torch.isfinite(model.logits(batch)).all()
    _, other = built("llava15", "model.layout.mode=native", mapper)
    with pytest.raises(PresetError, match="pool shuffle of 2 x 2 does not divide"):
        other.image_config()


@pytest.mark.parametrize(
    ("config", "message"),
    [
        (VisionConfig(config=VIT, features="pooled", last=2), "pooled has no layers"),
        (VisionConfig(model="timm:test_nfnet", features="cls"), "convolutional tower gives"),
        (VisionConfig(model="timm:nothing_of_the_kind"), "cannot be had here"),
        (VisionConfig(config={"colour": 1}), "vision.config"),
    ],
)
def test_what_no_tower_can_give_is_refused(config: VisionConfig, message: str) -> None:
    with pytest.raises(PresetError, match=message):
        Tower(config, LayoutConfig(size=32, patch=8))


@pytest.mark.parametrize("model", ["timm:test_vit", "timm:test_nfnet", ""])
def test_every_parameter_of_a_tower_learns(model: str) -> None:
    """One that does not would keep replicas waiting for its gradient."""
    size, patch = (160, 16) if model == "timm:test_vit" else (32, 8)
    config = VisionConfig(model=model, config={} if model else VIT)
    tower = Tower(config, LayoutConfig(size=size, patch=patch)).train()
    (group,) = tower(batch_for(size, patch))
    group.layers[-1].square().sum().backward()
    assert [name for name, p in tower.named_parameters() if p.grad is None] == []
