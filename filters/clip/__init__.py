"""CLIP scores: how well an image and a text say the same (Radford et al. 2021, arXiv:2103.00020).

| file | what it holds |
|---|---|
| config.py | section [clip] of a recipe |
| weights.py | finds or fetches a model, and hashes what it holds |
| model.py | runs it: `Clip.embed_images`, `embed_texts`, `similarity` |
| library.py | imports open_clip |

torch and open_clip are imported by the functions that need them, not here: the text stages never load them.
"""

from __future__ import annotations

from pathlib import PurePath

from filters.clip.config import Config
from filters.clip.model import Clip, cosines, load, load_cached, tokenizer
from filters.clip.weights import find, fingerprint, is_demo
from schemas.errors import ConfigError

__all__ = ["Clip", "Config", "check", "cosines", "fingerprint", "load", "load_cached"]

_DEMO_RECIPE = "tiny"


def check(config: Config, recipe_name: str) -> None:
    """Return if the model can be had here, its weights fetched if need be; called before any job starts.

    Args:
        config: section [clip].
        recipe_name: `tiny` or `recipes/tiny.toml`: the one recipe that uses the tiny model without more ado.

    Raises:
        ConfigError: no such model, or the tiny model in a recipe for real data.
        ModelUnavailable: a package, the weights or the network is missing; the message says what to do.
    """
    if not config.scores:
        return
    if is_demo(config) and PurePath(recipe_name).stem != _DEMO_RECIPE and not config.allow_demo_model:
        raise ConfigError(
            f"recipe {recipe_name} asks for the demo CLIP model, which knows only generated pictures: its "
            "scores mean nothing on real pages. Name a real model, or write clip.model=none to score "
            "nothing, or clip.allow_demo_model=true where only the mechanism is to be shown"
        )
    source = find(config)
    if source.fetches_tokenizer:
        tokenizer(source)
