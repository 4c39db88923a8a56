"""Text to token ids: a byte tokenizer that needs nothing, and any of Hugging Face's by name or path.

Each node is encoded by itself, with the separator after it and without special tokens, so that its number of tokens
depends on nothing else and can be known from a table before the text is read.
"""

from __future__ import annotations

import hashlib
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from vlm.loader.errors import LoaderConfigError
from vlm.loader.sentences import sentence_ends

Ids = npt.NDArray[np.int32]
SEPARATOR = "\n\n"
"""Put after each text where nothing else is said."""
_NAMES = {
    "bos": ("<s>", "<|begin_of_text|>", "<|startoftext|>", "<bos>", "[CLS]"),
    "eos": ("</s>", "<|end_of_text|>", "<|endoftext|>", "<eos>", "[SEP]"),
    "pad": ("<pad>", "<|pad|>", "[PAD]", "<|finetune_right_pad_id|>"),
    "image": ("<image>", "<|image|>", "<|image_pad|>", "<IMG_CONTEXT>"),
    "image_start": ("<|vision_start|>", "<|image_start|>", "<img>"),
    "image_end": ("<|vision_end|>", "<|image_end|>", "</img>"),
}
"""What vocabularies call the tokens of each role."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Specials:
    """Ids that no text encodes to. `vocab_size` is one more than the largest id there can be."""

    bos: int
    eos: int
    pad: int
    image: int
    image_start: int
    image_end: int
    vocab_size: int


class Tokenizer(Protocol):
    """What the loader asks of a tokenizer."""

    name: str
    fingerprint: str
    needs_table: bool
    """False where the number of tokens is the number of bytes."""
    specials: Specials

    def encode(self, texts: Sequence[str]) -> list[Ids]:
        """The ids of each text with the separator after it. Raises UnicodeEncodeError for a lone surrogate."""

    def decode(self, ids: Sequence[int]) -> str:
        """The text of ids, for a person to read."""

    def cuts(self, text: str) -> list[int]:
        """Token positions inside `text` at which a sentence ends, rising."""


class ByteTokenizer:
    """UTF-8 bytes as they are (ids 0 to 255), special tokens after them."""

    name = "bytes"
    needs_table = False
    specials = Specials(bos=256, eos=257, pad=258, image=259, image_start=260, image_end=261, vocab_size=262)

    def __init__(self, separator: str = SEPARATOR) -> None:
        """`separator` is put after each text."""
        self.separator = separator.encode()
        self.fingerprint = hashlib.sha256(b"bytes/1/" + self.separator).hexdigest()[:16]

    def encode(self, texts: Sequence[str]) -> list[Ids]:
        """The bytes of each text with the separator after it."""
        return [np.frombuffer(t.encode() + self.separator, np.uint8).astype(np.int32) for t in texts]

    def decode(self, ids: Sequence[int]) -> str:
        """The text of the bytes among the ids."""
        return bytes(i for i in ids if i < 256).decode("utf-8", "replace")

    def cuts(self, text: str) -> list[int]:  # noqa: ARG002
        """None: without a token table nothing says where sentences end."""
        return []


class HuggingFaceTokenizer:
    """A tokenizer of the `tokenizers` library."""

    needs_table = True

    def __init__(self, name: str, separator: str = SEPARATOR) -> None:
        """`name` is a model of the hub, a folder, or a `tokenizer.json`."""
        self.name = name
        self.separator = separator
        self._core, known = _load(name)
        # Padding, truncation and dropout would make counts depend on other texts or on chance.
        self._core.no_padding()
        self._core.no_truncation()
        if getattr(self._core.model, "dropout", None):
            self._core.model.dropout = None
        body = f"hf/1/{separator!r}/{self._core.to_str()}"
        self.fingerprint = hashlib.sha256(body.encode()).hexdigest()[:16]
        self.specials = _specials(self._core, known)
        if not self.encode(["word"])[0].size:  # what transformers makes of a folder that lacks the vocabulary
            raise LoaderConfigError(f"tokenizer {name} has no vocabulary: texts would be empty")

    def encode(self, texts: Sequence[str]) -> list[Ids]:
        """The ids of each text with the separator after it."""
        # in and out of UTF-8, because of a lone surrogate the library says TypeError
        joined = [(t + self.separator).encode().decode() for t in texts]
        return [np.array(e.ids, np.int32) for e in self._core.encode_batch_fast(joined, add_special_tokens=False)]

    def decode(self, ids: Sequence[int]) -> str:
        """The text of ids, for a person to read."""
        text: str = self._core.decode(list(ids))
        return text

    def cuts(self, text: str) -> list[int]:
        """Positions of the first token that starts at or after each end of a sentence."""
        offsets = self._core.encode(text + self.separator, add_special_tokens=False).offsets
        starts = [start for start, _ in offsets]
        found = {bisect_left(starts, end) for end in sentence_ends(text)}
        return sorted(n for n in found if 0 < n < len(starts))


def load_tokenizer(name: str, separator: str = SEPARATOR) -> Tokenizer:
    """The tokenizer of that name: `bytes`, or a name or path that Hugging Face's libraries know."""
    return ByteTokenizer(separator) if name == "bytes" else HuggingFaceTokenizer(name, separator)


def _load(name: str) -> tuple[Any, dict[str, int | None]]:
    """(the `tokenizers.Tokenizer`, ids of bos, eos and pad where the model says them)."""
    try:
        from tokenizers import Tokenizer as Core
    except ImportError as error:
        raise LoaderConfigError("tokenizers other than `bytes` need the extra `train`") from error
    path = Path(name)
    if path.is_file() or (path.is_dir() and not (path / "tokenizer_config.json").exists()):
        file = path if path.is_file() else path / "tokenizer.json"
        try:
            return Core.from_file(str(file)), {}
        except Exception as error:  # the library raises bare Exception
            raise LoaderConfigError(f"tokenizer {name}: {error}") from error
    from transformers import AutoTokenizer

    try:
        whole = AutoTokenizer.from_pretrained(name)
    except Exception as error:  # the library raises whatever it meets in a folder
        raise LoaderConfigError(f"tokenizer {name} cannot be had here: {error}") from error
    core = getattr(whole, "backend_tokenizer", None)
    if core is None:
        raise LoaderConfigError(f"tokenizer {name} has no fast form, which the loader needs")
    return Core.from_str(core.to_str()), {
        "bos": whole.bos_token_id,
        "eos": whole.eos_token_id,
        "pad": whole.pad_token_id,
    }


def _specials(core: Any, known: dict[str, int | None]) -> Specials:
    """Ids that the vocabulary has; the rest are put after it, so the model's embedding has to grow by them."""
    size = core.get_vocab_size(with_added_tokens=True)
    vocabulary = core.get_vocab(with_added_tokens=True)
    size = max(size, max(vocabulary.values(), default=-1) + 1)

    ids: dict[str, int] = {}
    for role, names in _NAMES.items():
        value = known.get(role)
        if value is None:
            value = next((vocabulary[n] for n in names if n in vocabulary), None)
        if value is None or value in ids.values():  # two roles never share an id: padding must not look like text
            value, size = size, size + 1
        ids[role] = value
    return Specials(vocab_size=size, **ids)
