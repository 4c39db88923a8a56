"""A document as atoms: the parts that a cut never divides.

An atom is a paragraph with the images before it. A paragraph that is longer than a pack gives an atom for each
sentence, a sentence that is longer than a pack one for each sixteenth of a pack; images in a row that together exceed a
pack are atoms one by one, the last of them with what follows it. First and last atom hold the cost of bos and eos.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from vlm.loader.pack import CHUNK, Atom, Cutting

Costs = npt.NDArray[np.int32]
Flags = npt.NDArray[np.bool_]
Cuts = Callable[[int], Sequence[int]]
"""Given an entry, the token positions inside it at which a sentence ends; asked only of texts longer than a pack."""


def cutting(
    tokens: Costs, patches: Costs, is_image: Flags, limits: tuple[int, int], first_entry: int, cuts: Cuts
) -> Cutting:
    """Where a document may be cut: `Cutting.of(atoms(...))`, at a tenth of the cost where no atom has to be divided."""
    ends = (~is_image).nonzero()[0] + 1
    if not len(ends) or ends[-1] != len(tokens):
        ends = np.append(ends, len(tokens))
    sums, seen = tokens.cumsum()[ends - 1], patches.cumsum()[ends - 1]
    if _largest_step(sums) > limits[0] - 2 or _largest_step(seen) > limits[1]:
        return Cutting.of(atoms(tokens.tolist(), patches.tolist(), is_image.tolist(), limits, first_entry, cuts))
    total = (sums + 1).tolist()
    total[-1] += 1
    return Cutting([0, *total], [0, *seen.tolist()], [(e, 0) for e in (ends + first_entry).tolist()])


def _largest_step(sums: npt.NDArray[np.int64]) -> int:
    return int((sums[1:] - sums[:-1]).max(initial=sums[0]))


def atoms(
    tokens: list[int], patches: list[int], is_image: list[bool], limits: tuple[int, int], first_entry: int, cuts: Cuts
) -> list[Atom]:
    """The atoms of one sequence of a document, in order; their costs sum to those of its entries plus 2.

    Args:
        tokens: of each entry; those of an image at most half of what a pack has.
        patches: of each entry, each at most what a pack has.
        is_image: whether the entry is an image.
        limits: tokens and patches of a pack. An atom has at most that many.
        first_entry: the number of the first entry within its shard.
        cuts: where sentences end.
    """
    seq_len, max_patches = limits
    limit = seq_len - 2  # bos and eos may have to go beside any atom
    out: list[Atom] = []
    held_tokens, held_patches = 0, 0  # images that wait for what follows them
    for i, (t, p) in enumerate(zip(tokens, patches, strict=True)):
        entry = first_entry + i
        if is_image[i]:
            if held_tokens + t > limit or held_patches + p > max_patches:
                out.append(Atom(held_tokens, held_patches, entry, 0))
                held_tokens, held_patches = 0, 0
            held_tokens, held_patches = held_tokens + t, held_patches + p
        elif held_tokens + t <= limit:
            out.append(Atom(held_tokens + t, held_patches, entry + 1, 0))
            held_tokens, held_patches = 0, 0
        else:
            if held_tokens > seq_len // 2:  # all images that wait but the last, to leave the text half a pack
                out.append(Atom(held_tokens - tokens[i - 1], held_patches - patches[i - 1], entry - 1, 0))
                held_tokens, held_patches = tokens[i - 1], patches[i - 1]
            parts = _parts(t, limit, cuts(entry) if t > limit else (), seq_len, room=limit - held_tokens)
            done = 0
            for part in parts:
                done += part
                stop = (entry + 1, 0) if done == t else (entry, done)
                out.append(Atom(part + held_tokens, held_patches, *stop))
                held_tokens, held_patches = 0, 0
    if held_tokens:
        out.append(Atom(held_tokens, held_patches, first_entry + len(tokens), 0))
    out[0] = out[0]._replace(tokens=out[0].tokens + 1)
    out[-1] = out[-1]._replace(tokens=out[-1].tokens + 1)
    return out


def _parts(total: int, limit: int, ends: Sequence[int], seq_len: int, *, room: int) -> list[int]:
    """Lengths of the parts of a text: sentences, longer ones in steps; the first at most `room`, others `limit`."""
    step = max(1, seq_len // CHUNK)
    parts: list[int] = []
    start = 0
    for end in [*ends, total]:
        most = limit if parts else room
        whole = end - start <= most
        while end > start:
            parts.append(min(end - start, most if whole else min(step, most)))
            start += parts[-1]
    return parts
