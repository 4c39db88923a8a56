"""What no committed text may hold: addresses to install from, paths of one machine, work left for later."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

# Where packages come from is for the settings of pip, uv and the package manager to say: a mirror, a
# company's own, the public one. The dots are left out here, so that this file does not hold what it forbids.
_HOSTS = (
    "pypi org, pythonhosted org, npmjs org, npmjs com, crates io, anaconda org, deb debian org, "
    "archive ubuntu com, download pytorch org, repo1 maven org, ghcr io, docker io"
)
FORBIDDEN = {
    "the host of a package registry": re.compile(_HOSTS.replace(" ", "[.]").replace(",[.]", "|")),
    "the address of a package or of weights": re.compile(
        r"https?://\S+\.(?:whl|jar|deb|rpm|conda|exe|safetensors|onnx|ftz)\b|https?://\S+/resolve/main/"
    ),
    "a path of one machine": re.compile(r"(?<![\w.~-])/(?:root|home/[\w-]+|Users/[\w-]+|work/(?:main|shared))/"),
    "work left for later": re.compile(r"\b(?:TO" + r"DO|FIX" + r"ME|XX" + r"X)\b"),
}


@pytest.fixture(scope="module")
def texts() -> dict[str, str]:
    command = ["git", "-C", str(ROOT), "ls-files", "-z"]
    names = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split("\0")
    found = {}
    for name in filter(None, names):
        data = (ROOT / name).read_bytes() if (ROOT / name).is_file() else b"\0"
        if b"\0" not in data:
            found[name] = data.decode("utf-8", errors="replace")
    return found


@pytest.mark.parametrize("what", FORBIDDEN)
def test_no_committed_text_holds(what: str, texts: dict[str, str]) -> None:
    hits = {name: match.group() for name, text in texts.items() if (match := FORBIDDEN[what].search(text))}
    assert hits == {}


@pytest.mark.parametrize(
    ("what", "text", "is_hit"),
    [
        ("a path of one machine", "see /home" + "/jo/data/x", True),
        ("a path of one machine", "https://example.com/home/jo/x", False),
        ("work left for later", "# TO" + "DO: more", True),
        ("work left for later", "a list of todos", False),
        ("the host of a package registry", "https://pypi" + ".org/simple", True),
        ("the address of a package or of weights", "https://example.com/a-1.0" + ".whl", True),
        ("the address of a package or of weights", "https://example.com/crawl.warc.gz", False),
    ],
)
def test_the_patterns_find_what_they_are_for(what: str, text: str, is_hit: bool) -> None:
    assert (FORBIDDEN[what].search(text) is not None) == is_hit


def test_all_committed_text_is_utf8_and_ends_with_a_line_feed(texts: dict[str, str]) -> None:
    ours = {name: text for name, text in texts.items() if name.endswith((".py", ".md", ".toml", ".sh"))}
    assert [name for name, text in ours.items() if "\ufffd" in text] == []
    assert [name for name, text in ours.items() if text and not text.endswith("\n")] == []
