"""Shards for the tests of the loader, written once a run by `shards.py` beside this file."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest

_spec = importlib.util.spec_from_file_location("loader_shards", Path(__file__).with_name("shards.py"))
loader_shards = importlib.util.module_from_spec(_spec)
sys.modules["loader_shards"] = loader_shards  # tests say `from loader_shards import ...`
_spec.loader.exec_module(loader_shards)


@pytest.fixture(scope="session", autouse=True)
def _one_thread():
    import torch

    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def sample(tmp_path_factory) -> Path:
    """200 documents in 5 shards."""
    return loader_shards.write_shards(tmp_path_factory.mktemp("sample"), loader_shards.sample_documents(200), 5)


@pytest.fixture(scope="session")
def second(tmp_path_factory) -> Path:
    """80 other documents in 3 shards, one of them empty or nearly so."""
    documents = loader_shards.sample_documents(80, seed=1)
    return loader_shards.write_shards(tmp_path_factory.mktemp("second"), documents, 3)


@pytest.fixture
def small(sample):
    """A configuration that suits the sample, as keyword arguments."""
    from vlm.loader.config import ImageConfig

    return {
        "datasets": (str(sample),),
        "batch_size": 24,
        "seq_len": 512,
        "lanes": 24,
        "threads": 0,
        "dtype": "float32",
        "image": ImageConfig(size=32, patch=8, tokens=4),
    }
