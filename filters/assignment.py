"""Which text an image goes with: mmc4's linear assignment (Zhu et al. 2023, arXiv:2304.06939, section 2)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

_STEPS = 10_000  # similarities carry 4 decimals, so this many steps from 0 to 1 hold them exactly

# Shape suffixes: I = images, T = texts.


def assign(matrix: Sequence[Sequence[float]]) -> list[int]:
    """For each image the column of its text, or -1 for an image that was not scored.

    The sum of the similarities is the largest that one image a text allows. Where a document has more
    images than texts, those left over each take the text that is most like them (mmc4's rule). Of sums that
    are equal the one is taken that uses earlier texts, in the order of the images.

    Args:
        matrix: [I, T] similarities in [-1, 1] with 4 decimals, images and texts in page order; a row of
        zeros is an
            image that was not scored (the shard format's rule).

    Raises:
        ValueError: rows of different lengths, or a value that is no cosine.
    """
    from scipy.optimize import linear_sum_assignment

    columns = [-1] * len(matrix)
    if not columns or not len(matrix[0]):
        return columns
    similarity = np.array(matrix, dtype=np.float64)
    if not (np.abs(similarity) <= 1.0).all():
        raise ValueError("a similarity is a cosine: it must be a number in [-1, 1]")
    scored = np.flatnonzero(similarity.any(axis=1))
    if scored.size == 0:
        return columns
    whole = np.rint(similarity[scored] * _STEPS)
    for image, text in zip(scored, whole.argmax(axis=1), strict=True):
        columns[image] = int(text)
    images, texts = linear_sum_assignment(_costs(whole))
    for image, text in zip(scored[images], texts, strict=True):
        columns[image] = int(text)
    return columns


def _costs(whole: NDArray[np.float64]) -> NDArray[np.float64]:
    """Whole numbers, so that sums are exact and equal sums are equal: first similarity, then place on the
    page."""
    num_images, num_texts = whole.shape
    place = np.outer(num_images - np.arange(num_images), np.arange(num_texts))
    pairs = min(num_images, num_texts)
    costs: NDArray[np.float64] = place - whole * (float(place.max()) * pairs + 1.0)
    return costs
