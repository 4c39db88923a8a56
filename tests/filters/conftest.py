"""What tests of several filters share."""

from __future__ import annotations

import struct

import numpy as np
import pytest


def _write_model(path, words, labels, *, kind=3):
    """A fastText model file (version 12) in which each word points at the label of its place; kind 3 = classifier.

    Written byte by byte, because fastText's own training ends in NaN now and then on so little text.
    """
    header = struct.pack("<2i12id", 793_712_314, 12, len(words), 5, 1, 1, 5, 1, 3, kind, 0, 0, 0, 100, 1e-4)
    entries = [(word, 0) for word in words] + [(label, 1) for label in labels]
    vocabulary = struct.pack("<3i2q", len(entries), len(words), len(labels), len(entries), -1)
    vocabulary += b"".join(name.encode() + b"\0" + struct.pack("<qb", 1, group) for name, group in entries)
    identity = np.eye(len(words), dtype="<f4") * 8
    matrix = b"\0" + struct.pack("<2q", *identity.shape) + identity.tobytes()
    path.write_bytes(header + vocabulary + matrix * 2)


@pytest.fixture(scope="session")
def write_fasttext():
    return _write_model
