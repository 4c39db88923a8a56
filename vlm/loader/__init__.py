"""Streams shards into training: packed before decoding, the same order on any number of ranks, exactly resumable.

`Loader(LoaderConfig(datasets=("out/shards",), batch_size=8))` iterates over `Batch`es; `read_documents` reads a
folder plainly. A map of the files is in `vlm/README.md`; use in `docs/loader.md`.
"""

from vlm.loader.batch import Batch
from vlm.loader.config import ImageConfig, LoaderConfig, Phase
from vlm.loader.documents import Document, read_documents
from vlm.loader.errors import LoaderError
from vlm.loader.loader import Loader
from vlm.loader.state import merge_states

__all__ = [
    "Batch",
    "Document",
    "ImageConfig",
    "Loader",
    "LoaderConfig",
    "LoaderError",
    "Phase",
    "merge_states",
    "read_documents",
]
