"""The tiny CLIP ranks pictures, and a row has one vector whatever surrounds it."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import time
from fractions import Fraction
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray
from PIL import Image

from demo.pages import make_page
from filters import loaded
from filters.clip import Clip, Config, cosines, load, load_cached
from filters.clip import model as clip_model
from schemas.errors import ConfigError, ModelUnavailable

torch = pytest.importorskip("torch", reason="the extra `models` is not installed")

ROOT = Path(__file__).resolve().parents[3]
Pairs = list[tuple[Image.Image, str]]


@pytest.fixture(scope="module")
def demo() -> Clip:
    return load_cached(Config(model="demo", threads=2))


@pytest.fixture(scope="module")
def pairs() -> Pairs:
    """Pictures and what is said of them, from pages of a seed that nothing was trained on."""
    found: dict[str, tuple[Image.Image, str]] = {}
    for number in range(80):
        page = make_page(3003, number)
        for url, text in page.pairs:
            try:
                with Image.open(io.BytesIO(page.images[url].data)) as image:
                    found[text] = (image.convert("RGB"), text)
            except OSError:
                continue
    return list(islice(found.values(), 160))


def test_the_picture_of_a_sentence_is_ranked_first_of_ten(demo: Clip, pairs: Pairs) -> None:
    # Chance is 0.1. Over 600 held-out pages of six languages it is 0.967 (`python -m demo.train_clip`).
    first = 0
    for start in range(0, len(pairs), 10):
        ten = pairs[start : start + 10]
        scores = np.array(demo.similarity([image for image, _ in ten], [text for _, text in ten]))
        first += int((scores.argmax(axis=0) == np.arange(10)).sum())
    assert first / len(pairs) >= 0.85


def test_a_row_does_not_depend_on_company_place_or_threads(demo: Clip, pairs: Pairs) -> None:
    images, texts = [image for image, _ in pairs[:9]], [text for _, text in pairs[:9]]
    image_rows = np.concatenate([demo.embed_images([image]) for image in images])
    text_rows = np.concatenate([demo.embed_texts([text]) for text in texts])
    before = torch.get_num_threads()
    try:
        for threads in (1, 2, 4):
            torch.set_num_threads(threads)
            for clip in (demo, load(Config(model="demo", threads=threads))):
                assert np.array_equal(clip.embed_images(images), image_rows)
                assert np.array_equal(clip.embed_texts(texts[::-1]), text_rows[::-1])
                assert torch.get_num_threads() == threads
    finally:
        torch.set_num_threads(before)


@pytest.mark.slow
def test_another_process_with_other_threads_gives_the_same_vectors(demo: Clip, pairs: Pairs, tmp_path: Path) -> None:
    for index, (image, _) in enumerate(pairs[:6]):
        image.save(tmp_path / f"{index}.png")
    code = (
        "import sys; from PIL import Image; from filters.clip import *\n"
        "clip = load(Config(model='demo', threads=3))\n"
        "print(clip.embed_images([Image.open(path) for path in sys.argv[1:]]).tobytes().hex())"
    )
    paths = [str(tmp_path / f"{index}.png") for index in range(6)]
    threads = {"OMP_NUM_THREADS": "5", "MKL_NUM_THREADS": "4", "MKL_DYNAMIC": "FALSE"}
    command = [sys.executable, "-c", code, *paths]
    done = subprocess.run(command, check=True, capture_output=True, text=True, env={**os.environ, **threads}, cwd=ROOT)
    assert done.stdout.strip() == demo.embed_images([image for image, _ in pairs[:6]]).tobytes().hex()


def test_rows_in_larger_batches_do_not_depend_on_each_other_either(pairs: Pairs) -> None:
    clip = load(Config(model="demo", batch_size=4, threads=1))
    images, texts = [image for image, _ in pairs[:10]], [text for _, text in pairs[:10]]
    assert np.array_equal(clip.embed_images(images)[7:], clip.embed_images(images[7:]))
    assert clip.similarity(images, texts) == [clip.similarity([image], texts)[0] for image in images]


def test_a_model_whose_rows_depend_on_each_other_is_refused() -> None:
    clip = load(Config(model="demo", batch_size=4, threads=1))
    clip._model.train()  # batch normalisation over the batch, as in training
    with pytest.raises(ModelUnavailable, match="batch_size = 1"):
        clip_model._check_rows(clip, 4)


def test_similarities_have_four_decimals_and_the_shape_of_the_lists(demo: Clip, pairs: Pairs) -> None:
    matrix = demo.similarity([image for image, _ in pairs[:3]], [text for _, text in pairs[:5]])
    assert [len(row) for row in matrix] == [5, 5, 5]
    assert all(value == round(value, 4) and abs(value) <= 1 for row in matrix for value in row)
    assert demo.similarity([], ["a"]) == []
    assert demo.similarity([pairs[0][0]], []) == [[]]


def test_vectors_have_length_one_and_one_width(demo: Clip, pairs: Pairs) -> None:
    images, texts = demo.embed_images([pairs[0][0]]), demo.embed_texts(["", "a red circle"])
    assert images.dtype == texts.dtype == np.float32
    assert np.linalg.norm(np.concatenate([images, texts]), axis=1) == pytest.approx([1.0, 1.0, 1.0])
    assert demo.embed_images([]).shape == demo.embed_texts([]).shape == (0, images.shape[1])


def test_arrays_and_pictures_of_other_modes_are_embedded_as_their_colours(demo: Clip, pairs: Pairs) -> None:
    grey = pairs[0][0].convert("L")
    colours = grey.convert("RGB")
    expected = demo.embed_images([colours])
    assert np.array_equal(demo.embed_images([grey]), expected)
    assert np.array_equal(demo.embed_images([np.asarray(colours)]), expected)


def test_a_text_over_the_context_is_cut_there(demo: Clip) -> None:
    long = "two red circles on a white background, " * 20
    assert np.array_equal(*demo.embed_texts([long, long + "and a yellow boat"]).reshape(2, 1, -1))
    assert not np.array_equal(*demo.embed_texts(["a boat", "a boat and a tree"]).reshape(2, 1, -1))


@pytest.mark.parametrize("text", ["x" * 1_000_000, "木" * 1_000_000, " " * 1_000_000, "\0\ud800" * 1000])
def test_a_hostile_text_costs_little(demo: Clip, text: str) -> None:
    started = time.process_time()
    assert np.isfinite(demo.embed_texts([text])).all()
    assert time.process_time() - started < 5


def test_the_tokenizer_does_not_remember_for_ever(demo: Clip, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clip_model, "_MAX_CACHED_WORDS", 50)
    before = demo.embed_texts(["a red circle"])
    for start in range(0, 300, 20):
        demo.embed_texts([f"word{number:b}" for number in range(start, start + 20)])
    assert len(demo._tokenizer.cache) < 200
    assert np.array_equal(demo.embed_texts(["a red circle"]), before)


def test_it_is_loaded_once_a_process() -> None:
    config = Config(model="demo", threads=1, min_score=0.77)
    before = loaded.count("clip")
    assert load_cached(config) is load_cached(Config(model="demo", threads=1, min_score=0.77))
    assert loaded.count("clip") == before + 1


def test_no_model_cannot_be_loaded() -> None:
    with pytest.raises(ConfigError, match="none"):
        load(Config(model="none"))


def test_a_device_that_is_not_there_is_an_error() -> None:
    if torch.cuda.is_available():
        pytest.skip("there is a CUDA device")
    with pytest.raises(ConfigError, match=r"clip\.device"):
        load(Config(model="demo", device="cuda"))
    assert load(Config(model="demo", device="auto", threads=1)).embed_texts(["a"]).shape[0] == 1


def test_rows_that_are_no_numbers_or_nothing_become_zeros() -> None:
    rows = np.array([[3, 4], [np.nan, 1], [np.inf, 1], [0, 0]], np.float32)
    assert clip_model._unit(rows).tolist() == [[np.float32(0.6), np.float32(0.8)], [0, 0], [0, 0], [0, 0]]
    assert cosines(np.zeros((1, 2), np.float32), clip_model._unit(rows)) == [[0.0] * 4]


def test_there_is_no_negative_zero() -> None:
    rows = clip_model._unit(np.array([[1, -1e-6]], np.float32))
    [[value]] = cosines(rows, np.array([[0, 1]], np.float32))
    assert str(value) == "0.0"


vectors = hnp.arrays(np.float32, st.tuples(st.integers(1, 4), st.just(7)), elements=st.floats(-1, 1, width=32)).map(
    clip_model._unit
)


@settings(deadline=None)
@given(images=vectors, texts=vectors)
def test_cosines_are_exact_on_the_grid_whatever_stands_beside_them(
    images: NDArray[np.float32], texts: NDArray[np.float32]
) -> None:
    together = cosines(images, texts)
    for i, image in enumerate(images):
        for j, text in enumerate(texts):
            assert together[i][j] == cosines(image[None], text[None])[0][0]
            exact = sum(
                Fraction(round(float(a) * 2**26), 2**26) * Fraction(round(float(b) * 2**26), 2**26)
                for a, b in zip(image, text, strict=True)
            )
            assert abs(together[i][j] - exact) <= Fraction(5_000_001, 10**11)
