"""A model counts by its content, and one that cannot be had is said so at once."""

from __future__ import annotations

import json
import os
import shutil
import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.util import find_spec
from pathlib import Path

import pytest

from filters.clip import weights
from filters.clip.config import Config
from schemas.errors import ConfigError, ModelUnavailable

pytestmark = pytest.mark.skipif(find_spec("open_clip") is None, reason="the extra `models` is not installed")


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    return shutil.copytree(weights.DEMO, tmp_path / "copy")


@pytest.fixture
def unreachable_hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    from huggingface_hub import constants

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        endpoint = f"http://127.0.0.1:{free.getsockname()[1]}"
    monkeypatch.setattr(constants, "ENDPOINT", endpoint)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    return endpoint


def test_a_model_counts_by_its_content_not_its_name(copy: Path) -> None:
    assert weights.fingerprint(Config(model=str(copy))) == weights.fingerprint(Config(model="demo"))


@pytest.mark.parametrize("name", ["open_clip_model.safetensors", "bpe.txt.gz"])
def test_one_bit_of_weights_or_tokenizer_makes_another_model(copy: Path, name: str) -> None:
    before = weights.fingerprint(Config(model=str(copy)))
    content = bytearray((copy / name).read_bytes())
    content[-1] ^= 1
    (copy / name).write_bytes(content)
    os.utime(copy / name, ns=(1, 1))  # however fast the test: another time of change
    assert weights.fingerprint(Config(model=str(copy))) != before


def test_another_preprocessing_makes_another_model(copy: Path) -> None:
    before = weights.fingerprint(Config(model=str(copy)))
    described = json.loads((copy / weights.CONFIG_FILE).read_text())
    described["preprocess_cfg"]["resize_mode"] = "longest"
    (copy / weights.CONFIG_FILE).write_text(json.dumps(described))
    assert weights.fingerprint(Config(model=str(copy))) != before


def test_the_layout_of_the_configuration_is_not_the_model(copy: Path) -> None:
    before = weights.fingerprint(Config(model=str(copy)))
    described = json.loads((copy / weights.CONFIG_FILE).read_text())
    (copy / weights.CONFIG_FILE).write_text(json.dumps(dict(reversed(described.items()))))
    assert weights.fingerprint(Config(model=str(copy))) == before


@pytest.mark.parametrize("name", ["open_clip_config.json", "open_clip_model.safetensors", "bpe.txt.gz"])
def test_a_folder_that_lacks_a_file_is_no_model(copy: Path, name: str) -> None:
    (copy / name).unlink()
    with pytest.raises(ModelUnavailable, match=str(copy)):
        weights.find(Config(model=str(copy)))


def test_a_configuration_of_something_else_is_no_model(copy: Path) -> None:
    (copy / weights.CONFIG_FILE).write_text("{}")
    with pytest.raises(ModelUnavailable, match="model_cfg"):
        weights.find(Config(model=str(copy)))


def test_a_name_that_open_clip_does_not_know_is_an_error_with_a_hint() -> None:
    with pytest.raises(ConfigError, match="ViT-B-32"):
        weights.find(Config(model="ViT-B-23", pretrained="openai"))


@pytest.mark.parametrize("pretrained", ["", "laion3b"])
def test_an_unknown_tag_is_an_error_that_lists_the_known_ones(pretrained: str) -> None:
    with pytest.raises(ConfigError, match="laion2b_s34b_b79k"):
        weights.find(Config(model="ViT-B-32", pretrained=pretrained))


def test_a_file_of_weights_goes_with_a_name(tmp_path: Path) -> None:
    path = tmp_path / "ours.safetensors"
    path.write_bytes(b"weights")
    source = weights.find(Config(model="ViT-B/32", pretrained=str(path)))
    assert (source.name, source.weights) == ("ViT-B-32", path)


@pytest.mark.parametrize(
    "config",
    [Config(model="ViT-B-32", pretrained="laion2b_s34b_b79k"), Config(model="hf-hub:laion/CLIP-ViT-B-32")],
    ids=["tag", "hub"],
)
def test_without_a_network_the_message_says_what_to_do(config: Config, unreachable_hub: str) -> None:
    with pytest.raises(ModelUnavailable, match=rf"{unreachable_hub} cannot be reached; .*clip\.model=none"):
        weights.find(config)


def test_a_hub_is_reached_whatever_it_answers(unreachable_hub: str) -> None:
    class Refuses(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            self.send_error(403)

        def log_message(self, *_: object) -> None:
            pass

    assert not weights._reachable(unreachable_hub)
    with ThreadingHTTPServer(("127.0.0.1", 0), Refuses) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            assert weights._reachable(f"http://127.0.0.1:{server.server_address[1]}")
        finally:
            server.shutdown()
            thread.join()


def test_the_demo_model_is_known_under_any_path(tmp_path: Path, copy: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(weights.DEMO)
    demo = ["demo", str(weights.DEMO), f"{weights.DEMO}/../demo_clip", str(link), str(copy)]
    assert [weights.is_demo(Config(model=model)) for model in demo] == [True] * 5
    others = ["none", "ViT-B-32", str(tmp_path)]
    assert [weights.is_demo(Config(model=model)) for model in others] == [False] * 3
