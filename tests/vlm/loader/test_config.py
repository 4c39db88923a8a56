import pytest

from vlm.loader import ImageConfig, Loader, LoaderConfig
from vlm.loader.errors import LoaderConfigError


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("dtype", "int8", "want one of bfloat16, float16, float32"),
        ("decoder", "guess", "want one of auto"),
        ("on_lost_shard", "ignore", "want one of error, skip"),
        ("view", "page", "want one of natural"),
        ("mix_unit", "bytes", "want one of tokens, documents"),
        ("cache_bytes", -1, "at least 0"),
        ("timeout_s", 0, "at least 0.1"),
        ("timeout_s", float("-inf"), "at least 0.1"),
        ("max_faults_in_row", -1, "at least 0"),
        ("seq_len", -1, "at least 8"),
        ("weights", ("a",), "want 1 finite numbers"),
        ("weights", (float("nan"),), "want 1 finite numbers"),
        ("weights", (float("inf"),), "want 1 finite numbers"),
        ("weights", (1.0, 1.0), "want 1 finite numbers"),
        ("seq_len", 2048.0, "want int"),
        ("lanes", "24", "want int"),
        ("threads", None, "want int"),
        ("threads", True, "want int"),
        ("one_pass", 1, "want bool"),
        ("cache_dir", 5, "want str or NoneType"),
        ("image", {"size": 384}, "want ImageConfig"),
        ("phases", ({"from_step": 0, "weights": (1,)},), "of the type Phase"),
    ],
)
def test_a_value_that_cannot_be_is_refused_by_name(field, value, words):
    with pytest.raises(LoaderConfigError, match=f"{field}.*{words}"):
        LoaderConfig(datasets=("d",), batch_size=1, **{field: value})


def test_lists_do_for_tuples_and_whole_numbers_for_fractions():
    config = LoaderConfig(datasets=["d"], batch_size=1, weights=[1], timeout_s=5, image=ImageConfig(mean=[0, 0, 0]))
    assert config.schedule[0].weights == [1]


@pytest.mark.parametrize("device", ["gpu", "meta", "cuda:99", "cpu:1"])
def test_a_device_that_is_not_here_is_refused(small, device):
    with pytest.raises(LoaderConfigError, match=f"device='{device}': want one of cpu"):
        Loader(LoaderConfig(**small | {"device": device}))


@pytest.mark.parametrize(("field", "value"), [("mode", "round"), ("resample", "nearest")])
def test_a_choice_of_images_that_is_none_is_refused_by_name(field, value):
    with pytest.raises(LoaderConfigError, match=rf"image\.{field}='{value}': want one of"):
        ImageConfig(**{field: value})


@pytest.mark.parametrize("tokens", [1, 64, 144, None])
@pytest.mark.parametrize("seq_len", [2048, 8192])
def test_the_patches_of_pairs_never_bind_before_the_tokens(tokens, seq_len):
    """A pair of a short caption has 16 tokens beside those of its image."""
    image = ImageConfig(tokens=tokens)
    pairs = LoaderConfig(datasets=("d",), batch_size=1, seq_len=seq_len, view="pairs", image=image)
    natural = LoaderConfig(datasets=("d",), batch_size=1, seq_len=seq_len, image=image)
    assert pairs.patches // image.most_patches >= seq_len // (image.most_tokens + 14)
    assert pairs.patches >= natural.patches
