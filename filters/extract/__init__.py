"""A page's HTML to text and images in page order: what a reader sees, where the reader sees it.

`extract(html, url)` is the whole interface; the files in the order of the work: `budget`, `charset`, `tree`,
`metadata`, `furniture`, `main_content`, `clean`, `emit` (with `images`, `sources`, `urls`, `text`, `tables`).
`docs/extraction.md` explains the algorithm on one page.
"""

from __future__ import annotations

from filters.extract.document import MODES, Document, DroppedImage, DroppedText, Limits, Node
from filters.extract.page import extract

__all__ = ["MODES", "Document", "DroppedImage", "DroppedText", "Limits", "Node", "extract"]
