"""How likely an image shows nudity, and how many faces it shows: NudeNet's detector, run directly.

The detector (YOLOv8n at 320 px, 18 classes, weights inside the wheel `nudenet` 3.4) is fed exactly as that
package feeds it - padded below and right with black to a square, bilinear, BGR planes - and read as it
reads it, so scores and faces are those of `NudeDetector.detect` (tested against it). Two things differ: an
image over 1,280 px is first brought to that size, so that a strip of 20,000 by 10 pixels is not padded to
1.2 GB; and each image is a batch of its own on one thread, so that nothing can show which images were
scored together (onnxruntime 1.31 is as fast so: 35 ms against 32 ms of CPU an image in batches of 8).

`score` gives None for what could not be scored. What that means is the caller's: weft keeps no image unscored
where the recipe names a model (`judge`).
"""

from __future__ import annotations

import hashlib
import importlib.util
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from filters import loaded
from schemas.errors import ConfigError, ModelUnavailable
from schemas.reasons import FileReason

if TYPE_CHECKING:
    from PIL import Image

    Pixels = Image.Image | NDArray[np.uint8]

CLASSES = (
    "FEMALE_GENITALIA_COVERED", "FACE_FEMALE", "BUTTOCKS_EXPOSED", "FEMALE_BREAST_EXPOSED",
    "FEMALE_GENITALIA_EXPOSED", "MALE_BREAST_EXPOSED", "ANUS_EXPOSED", "FEET_EXPOSED", "BELLY_COVERED",
    "FEET_COVERED", "ARMPITS_COVERED", "ARMPITS_EXPOSED", "FACE_MALE", "BELLY_EXPOSED", "MALE_GENITALIA_EXPOSED",
    "ANUS_COVERED", "FEMALE_BREAST_COVERED", "BUTTOCKS_COVERED",
)  # fmt: skip
"""What the detector knows, in the order of its outputs (nudenet.py, `__labels`)."""

_UNSAFE = (
    "FEMALE_GENITALIA_EXPOSED", "MALE_GENITALIA_EXPOSED", "FEMALE_BREAST_EXPOSED", "ANUS_EXPOSED", "BUTTOCKS_EXPOSED"
)  # fmt: skip
_FACES = ("FACE_FEMALE", "FACE_MALE")
_MIN_CANDIDATE = 0.2  # these three are NudeNet's own (nudenet.py, `_postprocess`)
_MIN_DETECTION = 0.25
_MAX_OVERLAP = 0.45
_MAX_SIDE = 1280  # px; four times what the detector sees


class Action(StrEnum):
    """What an image that is not safe takes with it."""

    DROP_IMAGE = "drop_image"
    DROP_DOCUMENT = "drop_document"  # as OBELICS does (arXiv:2306.16527, appendix A.3)


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """Section [nsfw] of a recipe. An image at `max_score` is kept."""

    model: str = field(default="nudenet", metadata={"operational": True})  # counts by its content: `fingerprint`
    """nudenet, none, or the path of another ONNX file of NudeNet's form (its release has a 640m.onnx)."""
    max_score: float = 0.25
    """The score above which NudeNet itself reports a part. Of 918 images of food, music and software pages without
    any nudity 1.5 % exceed it (0.5: 0.4 %), most of them food; docs/decisions/nsfw-bound.md says why it stays."""
    action: Action = Action.DROP_IMAGE
    classes: tuple[str, ...] = _UNSAFE
    """The score of an image is the largest that any of these has anywhere in it."""
    resolution: int = 320
    """Pixels that the detector sees: 320 for the weights in the wheel, 640 for 640m.onnx."""
    workers: int = field(default=0, metadata={"operational": True})
    """Processes that hold the model at the same time; 0 = as many as Spark runs tasks (each takes 120 MB)."""
    threads: int = field(default=0, metadata={"operational": True})
    """Images that a worker scores side by side; 0 = the cores that it may use divided by `workers`."""

    def __post_init__(self) -> None:
        if not self.model:
            raise ConfigError('nsfw.model is empty: write "nudenet", a path, or "none" to score nothing')
        if not 0.0 <= self.max_score <= 1.0:
            raise ConfigError(f"nsfw.max_score = {self.max_score} must be in [0, 1]")
        unknown = [name for name in self.classes if name not in CLASSES]
        if unknown or not self.classes:
            raise ConfigError(f"nsfw.classes: {unknown or 'none given'}; known: {', '.join(CLASSES)}")
        if self.resolution < 32 or self.resolution % 32:
            raise ConfigError(f"nsfw.resolution = {self.resolution} must be a multiple of 32")
        if self.workers < 0 or self.threads < 0:
            raise ConfigError(f"nsfw.workers = {self.workers}, nsfw.threads = {self.threads}: at least 0")

    @property
    def scores(self) -> bool:
        """Whether anything is scored at all."""
        return self.model != "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """What the detector saw: the largest score of an unsafe class (0 to 1, 4 decimals), and faces."""

    nsfw_score: float
    num_faces: int


def judge(score: Score | None, config: Config) -> FileReason | None:
    """Why an image is not kept, or None. Where the recipe names a model, an image without a score is not
    kept."""
    if not config.scores:
        return None
    if score is None:
        return FileReason.NSFW_NOT_SCORED
    return FileReason.NSFW if score.nsfw_score > config.max_score else None


def check(config: Config) -> None:
    """Return if the detector can be had here; called before any job starts.

    Raises:
        ModelUnavailable: a package or the file is missing; the message says what to do.
    """
    if not config.scores:
        return
    for package in ("onnxruntime", "cv2", *(["nudenet"] if config.model == "nudenet" else [])):
        if importlib.util.find_spec(package) is None:
            raise ModelUnavailable(
                f"nsfw.model = {config.model!r} needs the package {package}: pip install 'weft[safety]', "
                "or choose --set nsfw.model=none, which keeps images that nobody has looked at"
            )
    if not _path(config).is_file():
        raise ModelUnavailable(f"nsfw.model: there is no file {_path(config)}")


def fingerprint(config: Config) -> str:
    """64 hex digits that stand for the detector's content; "none" for no detector."""
    if not config.scores:
        return "none"
    check(config)
    with _path(config).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


class Detector:
    """A loaded detector. Made by `load`; safe to use from several threads."""

    def __init__(self, session: Any, config: Config) -> None:
        self._session = session
        self._input = session.get_inputs()[0].name
        self._resolution = config.resolution
        self._unsafe = [CLASSES.index(name) for name in config.classes]
        self._faces = [CLASSES.index(name) for name in _FACES]
        self._pool = ThreadPoolExecutor(loaded.num_threads(config.workers, config.threads), "nsfw")

    def score(self, images: Sequence[Pixels]) -> list[Score | None]:
        """One score an image (decoded: PIL, or uint8 [height, width, 3] RGB); None where the answer is no
        number."""
        return list(self._pool.map(self._score, images))

    def _score(self, image: Pixels) -> Score | None:
        pixels = _bounded(np.asarray(image if isinstance(image, np.ndarray) else image.convert("RGB")))
        found = self._session.run(None, {self._input: _blob(pixels, self._resolution)})[0][0].T
        if not np.isfinite(found).all():
            return None
        unsafe = float(found[:, 4:][:, self._unsafe].max())
        faces = sum(kind in self._faces for kind in _detections(found, pixels.shape, self._resolution))
        return Score(nsfw_score=round(unsafe, 4), num_faces=faces)


def load(config: Config) -> Detector:
    """The detector that the recipe names.

    Raises:
        ConfigError: `nsfw.model` is "none".
        ModelUnavailable: it cannot be had, or the file is no detector of NudeNet's form.
    """
    if not config.scores:
        raise ConfigError('nsfw.model is "none": there is no model to load')
    check(config)
    import onnxruntime
    from onnxruntime.capi import onnxruntime_pybind11_state as failures

    unreadable = (failures.Fail, failures.InvalidArgument, failures.InvalidGraph, failures.InvalidProtobuf)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    try:
        session = onnxruntime.InferenceSession(_path(config), options, providers=["CPUExecutionProvider"])
    except unreadable as error:
        raise ModelUnavailable(f"nsfw.model: {_path(config)} is no ONNX model: {error}") from error
    outputs = session.get_outputs()
    if len(outputs) != 1 or outputs[0].shape[1] != 4 + len(CLASSES):
        raise ModelUnavailable(f"nsfw.model: {_path(config)} is no NudeNet detector (boxes and 18 classes)")
    return Detector(session, config)


def load_cached(config: Config) -> Detector:
    """As `load`, once a process (`filters.loaded.count("nsfw")` says how often)."""
    return loaded.once("nsfw", config, lambda: load(config))


def _path(config: Config) -> Path:
    if config.model != "nudenet":
        return Path(config.model).expanduser()
    spec = importlib.util.find_spec("nudenet")  # found, not imported: importing it loads OpenCV and more
    return Path(spec.origin).parent / "320n.onnx" if spec and spec.origin else Path("320n.onnx")


def _bounded(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The image, reduced to `_MAX_SIDE` where it is larger."""
    import cv2

    height, width = pixels.shape[:2]
    scale = _MAX_SIDE / max(height, width)
    if scale >= 1.0:
        return pixels
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    reduced: NDArray[np.uint8] = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)  # type: ignore[assignment]
    return reduced


def _blob(pixels: NDArray[np.uint8], resolution: int) -> NDArray[np.float32]:
    """[1, 3, resolution, resolution] BGR planes from 0 to 1, as NudeNet prepares a file that it reads
    itself."""
    import cv2

    height, width = pixels.shape[:2]
    side = max(height, width)
    square = cv2.copyMakeBorder(pixels, 0, side - height, 0, side - width, cv2.BORDER_CONSTANT)
    size = (resolution, resolution)
    blob: NDArray[np.float32] = cv2.dnn.blobFromImage(square, 1 / 255.0, size, (0, 0, 0), swapRB=True, crop=False)  # type: ignore[assignment]
    return blob


def _detections(found: NDArray[np.float32], shape: tuple[int, ...], resolution: int) -> list[int]:
    """The classes of what is reported: the best class of each box, overlapping boxes of any class reduced
    to one.

    Args:
        found: [boxes, 4 + classes]: centre x, centre y, width, height in px of the detector's square; scores.
        shape: height and width of the image that was padded to that square.
        resolution: side of the square, px.
    """
    import cv2

    kinds = found[:, 4:].argmax(axis=1)
    scores = found[:, 4:].max(axis=1)
    kept = np.flatnonzero(scores >= _MIN_CANDIDATE)
    height, width = shape[:2]
    # float32 throughout, as NudeNet: boxes at the bound of overlap fall to the same side
    side = np.float32(max(height, width))
    x, y, w, h = found[kept, :4].T
    left = np.clip((x - w / 2) * side / np.float32(resolution), 0, width)
    top = np.clip((y - h / 2) * side / np.float32(resolution), 0, height)
    w, h = w * side / np.float32(resolution), h * side / np.float32(resolution)
    boxes = np.stack([left, top, np.minimum(w, width - left), np.minimum(h, height - top)], axis=1)
    chosen = cv2.dnn.NMSBoxes(boxes.tolist(), scores[kept].tolist(), _MIN_DETECTION, _MAX_OVERLAP)
    return [int(kinds[kept][index]) for index in chosen]
