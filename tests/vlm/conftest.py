"""What the tests of the trainer share: one thread, models of the presets at size tiny, documents with pictures."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest

_spec = importlib.util.spec_from_file_location("trainer_samples", Path(__file__).with_name("samples.py"))
samples = importlib.util.module_from_spec(_spec)
sys.modules["trainer_samples"] = samples  # tests say `from trainer_samples import ...`
_spec.loader.exec_module(samples)


@pytest.fixture(scope="session", autouse=True)
def _one_thread():
    import torch

    torch.set_num_threads(1)


@pytest.fixture
def built():
    """A function: preset name -> (preset, model) at size tiny, the same weights each time."""
    return samples.built


@pytest.fixture(scope="session")
def drawn(tmp_path_factory) -> Path:
    """Shards of generated pages of another seed than the demo's: some twenty documents with pictures and captions."""
    from jobs.draw_shards import draw_shards

    folder = tmp_path_factory.mktemp("drawn")
    assert draw_shards(folder, pages=120, seed=4004, shards=2) >= 10
    return folder


@pytest.fixture(scope="session")
def shards():
    """The writer of shards that the loader's tests have."""
    spec = importlib.util.spec_from_file_location("trainer_shards", Path(__file__).with_name("loader") / "shards.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def without_images(shards, tmp_path_factory) -> Path:
    """Shards of a few documents of text alone."""
    return shards.write_shards(
        tmp_path_factory.mktemp("texts"), shards.sample_documents(20, max_images=0), num_shards=1
    )


@pytest.fixture(scope="session")
def only_images(shards, tmp_path_factory) -> Path:
    """Shards of documents without a word: nothing is to be predicted."""
    found = {shards.key_of(n): [shards.image(shards.jpeg(n))] * 40 for n in range(8)}
    return shards.write_shards(tmp_path_factory.mktemp("images"), found, num_shards=1)


@pytest.fixture(scope="session")
def repeated(drawn: Path) -> list[list[str | bytes]]:
    """Four pairs of the sample, as documents: the batch that every preset learns by heart."""
    from vlm.evaluate.probes import pairs_of

    return [[pair.image, pair.text] for pair in pairs_of(str(drawn), 4)]


@pytest.fixture(scope="session")
def languages(drawn: Path, tmp_path_factory) -> dict[str, Path]:
    """A small language model of each family, trained on the sample's texts: what frozen presets begin from."""
    return {kind: samples.trained_language(kind, drawn, tmp_path_factory.mktemp(kind)) for kind in ("llama", "opt")}
