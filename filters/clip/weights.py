"""Where a CLIP model's weights are: found or fetched before a job starts, and hashed by content."""

from __future__ import annotations

import difflib
import hashlib
import importlib.util
import json
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from filters.clip.config import Config, is_folder
from filters.clip.package import import_open_clip
from schemas.errors import ConfigError, ModelUnavailable

DEMO = Path(__file__).parent.parent / "models" / "demo_clip"
"""The tiny model, made by `python -m demo.train_clip`."""
CONFIG_FILE = "open_clip_config.json"
WEIGHTS_FILE = "open_clip_model.safetensors"
_HUB_PREFIX = "hf-hub:"
_PROBE_SECONDS = 10.0  # open_clip's own attempt gives up after 47 s and prints ten retries (3.3.0, measured)


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A model that is on this machine."""

    name: str
    """What open_clip.create_model calls it."""
    pretrained: str | None
    weights: Path
    architecture: str
    """The model's and its preprocessing's configuration, as canonical JSON."""
    bpe: Path | None = None
    """The merges of a tokenizer of its own."""

    @property
    def fetches_tokenizer(self) -> bool:
        """Whether the tokenizer is a further download, and not merges in open_clip's wheel or beside the weights."""
        return "hf_tokenizer_name" in self.architecture or "siglip" in self.name.lower()


def find(config: Config) -> Source:
    """The model that the recipe names, fetched first where it is not on this machine yet.

    Raises:
        ConfigError: open_clip knows no such model or tag.
        ModelUnavailable: a package, a folder or the network is missing.
    """
    for package in ("torch", "torchvision", "open_clip", "safetensors"):
        if importlib.util.find_spec(package) is None:
            raise ModelUnavailable(
                f"clip.model = {config.model!r} needs the package {package}: pip install 'weft[models]', "
                "or run with --set clip.model=none to score nothing"
            )
    if config.model == "demo":
        return _in_folder(DEMO)
    if is_folder(config.model):
        return _in_folder(Path(config.model).expanduser())
    if config.model.startswith(_HUB_PREFIX):
        return _on_hub(config.model)
    return _named(config.model.replace("/", "-"), config.pretrained)


def fingerprint(config: Config) -> str:
    """64 hex digits that stand for architecture, tokenizer and weights; "none" for no model."""
    return _digest(find(config)) if config.scores else "none"


def is_demo(config: Config) -> bool:
    """Whether the recipe asks for the tiny model, under whatever name: a copy of its weights is the same model."""
    if not is_folder(config.model):
        return config.model == "demo"
    asked, demo = (Path(folder).expanduser() / WEIGHTS_FILE for folder in (config.model, DEMO))
    return asked.is_file() and demo.is_file() and _content(asked) == _content(demo)


def _digest(source: Source) -> str:
    total = hashlib.sha256(source.architecture.encode())
    for path in (source.bpe, source.weights):
        total.update(_content(path) if path else b"default tokenizer")
    return total.hexdigest()


def _content(path: Path) -> bytes:
    return _file_digest(path, path.stat().st_mtime_ns)


@lru_cache(maxsize=16)
def _file_digest(path: Path, mtime_ns: int) -> bytes:  # noqa: ARG001 - a file that changed is read again
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").digest()


def _in_folder(folder: Path) -> Source:
    try:
        described = json.loads((folder / CONFIG_FILE).read_text("utf-8"))
        weights = _weights_in(folder)
    except (OSError, ValueError) as error:
        raise ModelUnavailable(f"clip.model: {folder} is no open_clip model ({error}); see docs/models.md") from error
    if weights is None or "model_cfg" not in described:
        raise ModelUnavailable(f"clip.model: {folder} has no weights, or no model_cfg in its {CONFIG_FILE}")
    text = described["model_cfg"].get("text_cfg", {})
    bpe = (text.get("tokenizer_kwargs") or {}).get("bpe_path")
    if bpe and not (folder / bpe).is_file():
        raise ModelUnavailable(f"clip.model: {folder} has no tokenizer {bpe}, which its {CONFIG_FILE} names")
    return Source(
        name=f"local-dir:{folder}",
        pretrained=None,
        weights=weights,
        architecture=_canonical(described),
        bpe=folder / bpe if bpe else None,
    )


def _weights_in(folder: Path) -> Path | None:
    """The file that open_clip's create_model will choose; its first choice is known without importing it."""
    if (folder / WEIGHTS_FILE).is_file():
        return folder / WEIGHTS_FILE
    found = import_open_clip().factory._find_checkpoint_in_dir(folder)
    return Path(found) if found else None


def _named(name: str, pretrained: str) -> Source:
    open_clip = import_open_clip()

    if name not in open_clip.list_models():
        near = difflib.get_close_matches(name, open_clip.list_models(), 3)
        hint = f"did you mean {', '.join(near)}?" if near else "it is no folder either"
        raise ConfigError(f"clip.model = {name!r} is no model of open_clip {open_clip.__version__}; {hint}")
    architecture = {"model": open_clip.get_model_config(name)}
    if Path(pretrained).is_file():
        return Source(name=name, pretrained=pretrained, weights=Path(pretrained), architecture=_canonical(architecture))
    tag = open_clip.pretrained.get_pretrained_cfg(name, pretrained) if pretrained else {}
    if not tag:
        tags = ", ".join(open_clip.list_pretrained_tags_by_model(name)) or "none: give a file of weights"
        raise ConfigError(f"clip.pretrained = {pretrained!r} is no file and no tag of {name}; tags: {tags}")
    architecture["preprocess"] = {key: tag[key] for key in tag if key not in ("url", "hf_hub")}
    weights = _fetch(f"{name} {pretrained}", lambda: open_clip.pretrained.download_pretrained(tag))
    return Source(name=name, pretrained=pretrained, weights=weights, architecture=_canonical(architecture))


def _on_hub(name: str) -> Source:
    download_pretrained_from_hf = import_open_clip().pretrained.download_pretrained_from_hf
    repository = name.removeprefix(_HUB_PREFIX)
    described = _fetch(name, lambda: download_pretrained_from_hf(repository, filename=CONFIG_FILE))
    weights = _fetch(name, lambda: download_pretrained_from_hf(repository))
    return Source(
        name=name,
        pretrained=None,
        weights=weights,
        architecture=_canonical(json.loads(described.read_text("utf-8"))),
    )


def _fetch(what: str, download: Callable[[], str]) -> Path:
    """The path of a file of the hub: from the local cache where it is there, else fetched."""
    from huggingface_hub import constants

    try:
        with _offline(constants):
            return Path(download())
    except OSError:
        pass  # not in the cache
    unavailable = (
        f"clip.model: the weights of {what} are not on this machine and {constants.ENDPOINT} cannot be "
        "reached; fetch them where there is a network and copy the cache (HF_HOME), give a folder as "
        "clip.model, or run with --set clip.model=none to score nothing"
    )
    if constants.HF_HUB_OFFLINE or not _reachable(constants.ENDPOINT):
        raise ModelUnavailable(unavailable)
    try:
        return Path(download())
    except (OSError, RuntimeError) as error:
        raise ModelUnavailable(f"{unavailable} ({error})") from error


@contextmanager
def _offline(constants: Any) -> Iterator[None]:
    """Within this block the hub's client reads only its cache: a file that is absent is said so at once."""
    before = constants.HF_HUB_OFFLINE
    constants.HF_HUB_OFFLINE = True
    try:
        yield
    finally:
        constants.HF_HUB_OFFLINE = before


def _reachable(url: str) -> bool:
    """Whether a server answers there, through the proxies of the environment; any answer counts."""
    request = urllib.request.Request(url, method="HEAD", headers={"User-Agent": "weft"})
    try:
        with urllib.request.urlopen(request, timeout=_PROBE_SECONDS):
            return True
    except urllib.error.HTTPError:
        return True
    except OSError:
        return False


def _canonical(facts: Any) -> str:
    return json.dumps(facts, sort_keys=True)
