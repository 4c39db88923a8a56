"""Scores and faces against NudeNet's own package, and that each image has one score."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw

from filters import loaded, nsfw
from filters.nsfw import Config, Score
from schemas.errors import ConfigError, ModelUnavailable
from schemas.reasons import FileReason

nudenet = pytest.importorskip("nudenet.nudenet", reason="the extra `safety` is not installed")


def _picture(seed: int, width: int, height: int) -> Image.Image:
    random = np.random.default_rng(seed)
    image = Image.new("RGB", (width, height), tuple(random.integers(0, 256, 3).tolist()))
    pen = ImageDraw.Draw(image)
    for _ in range(12):
        x, y = random.integers(0, width), random.integers(0, height)
        radius = random.integers(4, max(5, min(width, height) // 3))
        colour = tuple(random.integers(0, 256, 3).tolist())
        pen.ellipse((x - radius, y - radius, x + radius, y + radius), fill=colour)
    return image


@pytest.fixture(scope="module")
def detector() -> nsfw.Detector:
    return nsfw.load(Config())


@pytest.fixture(scope="module")
def theirs() -> object:
    return nudenet.NudeDetector()


def test_the_score_is_what_nudenet_finds_in_a_file(
    detector: nsfw.Detector, theirs: SimpleNamespace, tmp_path: Path
) -> None:
    sizes = [(640, 480), (300, 500), (200, 200), (1280, 90)]
    for seed, (width, height) in enumerate(sizes):
        path = tmp_path / f"{seed}.png"
        image = _picture(seed, width, height)
        image.save(path)
        blob, *_ = nudenet._read_image(str(path), 320)
        raw = theirs.onnx_session.run(None, {theirs.input_name: blob})[0][0]
        unsafe = [4 + nsfw.CLASSES.index(name) for name in Config().classes]
        faces = [found for found in theirs.detect(str(path)) if found["class"].startswith("FACE_")]
        expected = Score(nsfw_score=round(float(raw[unsafe].max()), 4), num_faces=len(faces))
        assert detector.score([image]) == [expected]


@settings(max_examples=30, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    width=st.integers(1, 2000),
    height=st.integers(1, 2000),
    boxes=st.integers(2, 30),
)
def test_what_is_reported_is_what_nudenet_reports(seed: int, width: int, height: int, boxes: int) -> None:
    random = np.random.default_rng(seed)
    found = np.zeros((boxes, 22), np.float32)
    found[:, :2] = random.uniform(0, 320, (boxes, 2))
    found[:, 2:4] = random.uniform(1, 200, (boxes, 2))
    found[:, 4:] = random.uniform(0, 1, (boxes, 18)) ** 12
    side = max(width, height)
    pad_x, pad_y = side - width, side - height
    reported = nudenet._postprocess([found.T[None]], pad_x, pad_y, 1.0, 1.0, width, height, 320, 320)
    ours = [nsfw.CLASSES[kind] for kind in nsfw._detections(found, (height, width), 320)]
    assert ours == [entry["class"] for entry in reported]


def test_the_classes_are_nudenets_in_its_order() -> None:
    assert list(nsfw.CLASSES) == nudenet.__dict__["__labels"]


def test_scores_do_not_depend_on_company_order_or_threads(detector: nsfw.Detector) -> None:
    images = [_picture(seed, 320 + 7 * seed, 200 + 11 * seed) for seed in range(6)]
    alone = [detector.score([image])[0] for image in images]
    assert detector.score(images) == alone
    assert detector.score(images[::-1]) == alone[::-1]
    assert nsfw.load(Config(threads=4)).score(images) == alone
    assert len({score.nsfw_score for score in alone if score}) > 3  # they do differ


def test_arrays_and_pictures_of_other_modes_are_scored_as_their_colours(detector: nsfw.Detector) -> None:
    grey = _picture(1, 300, 200).convert("L")
    colours = grey.convert("RGB")
    assert detector.score([grey]) == detector.score([colours]) == detector.score([np.asarray(colours)])


def test_a_strip_that_would_pad_to_a_gigabyte_is_scored(detector: nsfw.Detector) -> None:
    [score] = detector.score([Image.new("RGB", (60_000, 2), "pink")])
    assert score is not None
    assert nsfw._bounded(np.zeros((2, 60_000, 3), np.uint8)).shape == (1, 1280, 3)


def test_an_image_at_the_bound_is_not_resized_first() -> None:
    pixels = np.zeros((1280, 10, 3), np.uint8)
    assert nsfw._bounded(pixels) is pixels
    assert nsfw._bounded(np.zeros((1281, 10, 3), np.uint8)).shape == (1280, 10, 3)


def test_an_answer_that_is_no_number_is_no_score() -> None:
    answer = np.full((1, 22, 2100), np.nan, np.float32)
    session = SimpleNamespace(
        get_inputs=lambda: [SimpleNamespace(name="images")], run=lambda *_: [answer]
    )  # onnxruntime's session, broken
    assert nsfw.Detector(session, Config()).score([_picture(0, 50, 50)]) == [None]


@pytest.mark.parametrize(
    ("score", "reason"),
    [
        (Score(nsfw_score=0.25, num_faces=0), None),
        (Score(nsfw_score=0.2501, num_faces=0), FileReason.NSFW),
        (None, FileReason.NSFW_NOT_SCORED),
    ],
)
def test_an_image_at_the_bound_is_kept_and_one_without_a_score_is_not(
    score: Score | None, reason: FileReason | None
) -> None:
    assert nsfw.judge(score, Config(max_score=0.25)) is reason


def test_without_a_model_nothing_is_judged_and_nothing_is_needed() -> None:
    off = Config(model="none")
    nsfw.check(off)
    assert nsfw.judge(None, off) is None
    assert nsfw.fingerprint(off) == "none"
    with pytest.raises(ConfigError, match="none"):
        nsfw.load(off)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("model", ""),
        ("max_score", 1.1),
        ("max_score", -0.1),
        ("classes", ("FACE",)),
        ("classes", ()),
        ("resolution", 300),
        ("workers", -1),
        ("threads", -1),
    ],
)
def test_a_value_out_of_range_is_an_error_that_names_its_key(key: str, value: object) -> None:
    with pytest.raises(ConfigError, match=rf"nsfw\.{key}"):
        Config(**{key: value})  # type: ignore[arg-type]


def test_a_model_that_is_not_there_is_said_before_a_job_starts(tmp_path: Path) -> None:
    with pytest.raises(ModelUnavailable, match=r"gone\.onnx"):
        nsfw.check(Config(model=str(tmp_path / "gone.onnx")))


def test_a_file_that_is_no_model_is_said_so(tmp_path: Path) -> None:
    path = tmp_path / "text.onnx"
    path.write_text("not a model")
    with pytest.raises(ModelUnavailable, match="no ONNX model"):
        nsfw.load(Config(model=str(path)))


def test_a_model_counts_by_its_content_not_its_name(tmp_path: Path) -> None:
    copy = tmp_path / "copy.onnx"
    copy.write_bytes(nsfw._path(Config()).read_bytes())
    assert nsfw.fingerprint(Config(model=str(copy))) == nsfw.fingerprint(Config())
    copy.write_bytes(copy.read_bytes() + b"\0")
    assert nsfw.fingerprint(Config(model=str(copy))) != nsfw.fingerprint(Config())


def test_it_is_loaded_once_a_process() -> None:
    before = loaded.count("nsfw")
    first = nsfw.load_cached(Config(max_score=0.123))
    assert nsfw.load_cached(Config(max_score=0.123)) is first
    assert loaded.count("nsfw") == before + 1
