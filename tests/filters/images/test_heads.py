"""Small models by path: what they compute, and what is said of files that do not fit."""

import math
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from filters import clip
from filters.images.heads import Config, check, fingerprint, is_outside, load
from schemas.errors import ConfigError, ModelUnavailable

torch = pytest.importorskip("torch")
PICTURE = Image.new("RGB", (90, 60), (200, 40, 90))


@pytest.fixture(scope="module")
def embedding():
    demo = clip.load_cached(Config(clip_model="demo", clip_pretrained="").clip)
    return demo.embed_images([PICTURE])[0].astype(np.float64)


@pytest.fixture
def saved(tmp_path):
    """A config for a head of these layers: (weights, bias) each."""

    def save(*layers, suffix=".pt", **options):
        state = {}
        for number, (weight, bias) in enumerate(layers):
            state[f"layers.{number * 2}.weight"] = torch.tensor(weight, dtype=torch.float32)
            state[f"layers.{number * 2}.bias"] = torch.tensor(bias, dtype=torch.float32)
        path = tmp_path / f"head{suffix}"
        if suffix == ".safetensors":
            from safetensors.torch import save_file

            save_file(state, path)
        else:
            torch.save(state, path)
        return Config(path=str(path), clip_model="demo", clip_pretrained="", **options)

    return save


def ramp(rows, columns):
    return ((np.arange(rows * columns).reshape(rows, columns) % 7 - 3) / 5).astype(np.float32)


@pytest.mark.parametrize("suffix", [".pt", ".safetensors"])
@pytest.mark.parametrize("hidden", ["relu", "none"])
def test_layers_are_applied_in_order(saved, embedding, suffix, hidden):
    shapes = [(6, len(embedding)), *[(6, 6)] * 10, (1, 6)]  # over ten layers: 10 must not come before 2
    layers = [(ramp(*shape), np.full(shape[0], 0.1 * n, np.float32)) for n, shape in enumerate(shapes)]
    expected = embedding
    for number, (weight, bias) in enumerate(layers):
        expected = np.maximum(expected, 0) if number and hidden == "relu" else expected
        expected = weight.astype(np.float64) @ expected + bias
    found = load(saved(*layers, suffix=suffix, hidden=hidden)).score([PICTURE])
    assert found == [pytest.approx(expected[0], abs=2e-4 * max(1, abs(expected[0])))]


def test_outputs_become_the_score_that_is_asked_for(saved, embedding):
    layer = (np.zeros((2, len(embedding))), [0.0, 1.0])
    assert load(saved(layer)).score([PICTURE] * 2) == [0.0, 0.0]
    assert load(saved(layer, output=1)).score([PICTURE]) == [1.0]
    assert load(saved(layer, output=1, answer="sigmoid")).score([PICTURE]) == [round(1 / (1 + math.exp(-1)), 4)]
    assert load(saved(layer, output=0, answer="softmax")).score([PICTURE]) == [round(1 / (1 + math.e), 4)]


def test_an_answer_that_is_no_number_is_no_score(saved, embedding):
    assert load(saved((np.full((1, len(embedding)), np.nan), [0.0]))).score([PICTURE]) == [None]


def test_what_does_not_fit_is_said_before_the_job(saved, tmp_path, embedding):
    with pytest.raises(ModelUnavailable, match="does not take a embedding"):
        load(saved((np.zeros((1, len(embedding) + 1)), [0.0])))
    with pytest.raises(ModelUnavailable, match="does not take"):
        load(saved((np.zeros((1, len(embedding))), [0.0]), output=1))
    with pytest.raises(ModelUnavailable, match="no linear layer"):
        load(saved())
    (tmp_path / "x.onnx").write_bytes(b"not onnx")
    with pytest.raises(ModelUnavailable, match="no ONNX model"):
        load(Config(path=str(tmp_path / "x.onnx"), sees="picture"))
    with pytest.raises(ModelUnavailable, match="there is no file"):
        check(Config(path=str(tmp_path / "gone.pt")), "aesthetic", "weft")
    with pytest.raises(ConfigError, match="want one of"):
        check(Config(path=str(tmp_path / "x.bin")), "aesthetic", "weft")


@pytest.mark.parametrize(
    "bad", [{"path": ""}, {"side": 0}, {"output": -1}, {"std": (0, 1, 1)}, {"path": "a.pt", "sees": "picture"}]
)
def test_a_config_that_makes_no_sense_is_refused(bad):
    with pytest.raises(ConfigError):
        Config(**bad)


def test_content_counts_and_not_the_name(saved, tmp_path, embedding):
    config = saved((np.zeros((1, len(embedding))), [0.0]))
    other = tmp_path / "copy.pt"
    other.write_bytes((tmp_path / "head.pt").read_bytes())
    assert fingerprint(replace(config, path=str(other))) == fingerprint(config)
    other.write_bytes(b"else")
    assert fingerprint(replace(config, path=str(other))) != fingerprint(config)
    assert fingerprint(Config()) == "none"


@pytest.mark.parametrize(("score", "outside"), [(0.1, True), (0.2, False), (0.9, False), (0.91, True), (None, False)])
def test_bounds_are_inclusive_and_no_score_is_outside_none(score, outside):
    assert is_outside(score, Config(path="x.pt", min_score=0.2, max_score=0.9)) is outside
    assert not is_outside(score, Config(min_score=0.2, max_score=0.9))
    assert not is_outside(score, Config(path="x.pt"))
