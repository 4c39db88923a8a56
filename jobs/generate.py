"""weft generate: what a trained model writes after a prompt of texts and image files."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from jobs.arguments import local, real, whole
from jobs.trainer_errors import told
from schemas.errors import InputError


def main(argv: Sequence[str] | None = None) -> int:
    """Print the prompt's continuation."""
    parser = argparse.ArgumentParser(prog="weft generate", description=__doc__)
    parser.add_argument("model", type=local("model"), help="a run's folder, or an exported model")
    parser.add_argument("prompt", nargs="+", help="texts, and image files as @PATH, in order")
    parser.add_argument("--tokens", type=whole("--tokens"), default=128)
    parser.add_argument(
        "--temperature", type=real("--temperature", 0), default=0.0, help="0 (default): the likeliest token"
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--device", default="cpu")
    options = parser.parse_args(argv)
    nodes = [_node(text) for text in options.prompt]
    with told():
        from vlm.evaluate.generate import generate
        from vlm.saved import load_saved

        saved = load_saved(options.model, device=options.device)
        print(generate(saved.model, saved.tokenizer, saved.image, nodes, tokens=options.tokens,
                       temperature=options.temperature, seed=options.seed))  # fmt: skip
    return 0


def _node(text: str) -> str | bytes:
    if not text.startswith("@"):
        return text
    try:
        return Path(text[1:]).read_bytes()
    except OSError as error:
        raise InputError(f"image {text[1:]}: {error.strerror}") from error
