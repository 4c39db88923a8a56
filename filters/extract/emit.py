"""Nodes in page order from the chosen part of the tree: one walk, no recursion, a small machine with a buffer.

Inline markup adds to the buffer; a block begins or ends a text. Tables of data collect cells and rows; images stand
between the texts where they are met.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from filters.extract import names as n
from filters.extract.budget import Deadline
from filters.extract.document import Limits, Node
from filters.extract.images import IMAGE_TAGS, Gallery
from filters.extract.marks import MARK_NODES, WAYS_BACK, is_mark, without_way_back
from filters.extract.tables import Rows, spans_of
from filters.extract.text import BREAK, clean_code, clean_inline
from filters.extract.tree import Tree

INLINE: Final = frozenset(
    (
        "a abbr acronym b bdi bdo big blink cite code data del dfn em font i ins kbd label mark "
        "math nobr picture q rb ruby s samp small span strike strong sub sup time tt u var wbr "
        "button output mi mo mn mtext mrow msup msub mfrac mstyle msqrt mover munder msubsup "
        "semantics mspace mtable mtr mtd img amp-img amp-anim image noscript br"
    ).split()
)
_ACTING: Final = IMAGE_TAGS | {"br", "a", "noscript", "ruby", "q"}
_SILENT: Final = INLINE | frozenset(
    "rt rp rtc source track param area map title annotation annotation-xml input svg".split()
)
"""Elements that end no paragraph where they are left out."""

_ROLE: Final = {f"h{k}": f"heading{k}" for k in range(1, 7)} | {
    "li": "list_item",
    "dt": "list_item",
    "dd": "list_item",
    "blockquote": "quote",
    "pre": "code",
    "listing": "code",
    "figcaption": "caption",
    "caption": "caption",
    "legend": "caption",
}
"""The role of the text in an element."""
_CELLS: Final = frozenset(("td", "th"))
_IN_TABLE: Final = frozenset(("tr", "td", "th", "caption"))
"""Elements of a table that the emitter closes."""


class Emitter:
    """Walks subtrees in page order and collects nodes; the same one for all subtrees of a page."""

    def __init__(
        self,
        tree: Tree,
        gone: Mapping[int, object],
        tables: set[int],
        listings: Mapping[int, str],
        gallery: Gallery,
        skip_images: set[int],
        spoken: set[int],
        limits: Limits,
        deadline: Deadline,
    ) -> None:
        """`gone` are the roots of what is left out, `listings` those of code, with their text, `skip_images` those that
        another copy stands for, `spoken` the `noscript` elements whose text counts."""
        self.tree, self.gone, self.tables, self.listings, self.gallery = tree, gone, tables, listings, gallery
        self.skip_images, self.spoken, self.limits = skip_images, spoken, limits
        self.deadline = deadline
        self.nodes: list[Node] = []
        self.figures: list[int] = []  # for each node the figure around it, or -1
        self.placed: set[int] = set()  # image elements met
        self.total_text = self.total_link = 0
        self.buffer: list[str] = []
        self.linked = 0
        self.rows = Rows()
        self.spans = 1, 1  # columns and rows of the cell that was opened last
        self.role, self.figure = "paragraph", -1
        self.table_end = self.silent_end = self.noscript_end = self.link_end = self.pre_end = 0
        self.ruby_end = -1
        self.opened: list[tuple[int, str, str, int]] = []  # end, element, role and figure outside

    def walk(self, root: int) -> None:
        """Add the nodes of one subtree; OverTimeError where the page takes too long."""
        tree, gone, buffer, opened = self.tree, self.gone, self.buffer, self.opened
        tag, end, text, gap, indent, listings = tree.tag, tree.end, tree.text, tree.gap, tree.indent, self.listings
        painted = tree.painted
        i, stop = root, end[root]
        while i < stop:
            while opened and opened[-1][0] <= i:
                self._close(i)
            name = tag[i]
            if gap[i] and i > self.ruby_end:
                if self.role == "code":
                    buffer.append(indent.get(i) or gap[i])
                elif buffer:
                    buffer.append(gap[i])
            if not name:
                if i >= self.silent_end:
                    buffer.append(text[i])
                    if i < self.link_end:
                        self.linked += len(text[i].strip())
            elif i in gone:
                if name not in _SILENT and i >= self.table_end:
                    self.flush()
                i = end[i]
                continue
            elif i in listings and i >= self.table_end:
                self._listing(listings[i], inside=i < self.pre_end)
                i = end[i]
                continue
            elif name in INLINE:
                if name in _ACTING or i in painted:
                    self._inline(i, name)
            elif "-" not in name:
                self._block(i, name)
                if i in painted:
                    self._image(i)
            i += 1
        while opened:
            self._close(stop)
        self.flush()

    def _inline(self, i: int, name: str) -> None:
        """Begin an inline element, or take an image."""
        end = self.tree.end[i]
        if i in self.tree.painted:
            self._image(i)
        if name in IMAGE_TAGS:
            if i in self.skip_images:
                self.placed.add(i)
            else:
                self._image(i)
        elif name == "br":
            if i < self.table_end:
                self.buffer.append(" ")
            elif self.role != "code" and self.buffer and _ends_in_break(self.buffer):
                self.flush()
            else:
                self.buffer.append(BREAK)
        elif name == "a":
            self.link_end = max(self.link_end, end)
            if end <= i + MARK_NODES and is_mark(self.tree, i):
                self.silent_end = max(self.silent_end, end)
        elif name == "noscript":
            if i not in self.spoken:
                self.noscript_end = max(self.noscript_end, end)
                self.silent_end = max(self.silent_end, end)
        elif name == "ruby":
            self.ruby_end = end
        elif name == "q":
            self.buffer.append("\u201c")
            self.opened.append((end, "q", self.role, self.figure))

    def _block(self, i: int, name: str) -> None:
        """Begin a block: end the text before it and set the role of the text in it."""
        tree = self.tree
        end = tree.end[i]
        if i < self.table_end:
            if name in _CELLS:
                self.spans = spans_of(tree.attrs[i]) if "span=" in tree.attrs[i] else (1, 1)
                if not "".join(self.buffer).strip():
                    self.buffer.clear()
            elif self.buffer:
                self.buffer.append(" ")
            if name in _IN_TABLE:
                self.opened.append((end, name, self.role, self.figure))
            return
        if i < self.pre_end:
            self.buffer.append("\n")
            return
        if self.buffer:
            self.flush()
        if name == "hr":
            return
        self.opened.append((end, name, self.role, self.figure))
        if i in self.tables:
            self.table_end = end
        elif name == "figure":
            self.figure = i
            if self.role == "list_item":
                self.role = "paragraph"
        elif name in _ROLE:
            if not (self.role == "quote" and name == "li"):
                self.role = _ROLE[name]
            if self.role == "code":
                self.pre_end = end
        elif self.role in ("paragraph", "list_item") and ' class="' in tree.attrs[i] and self._is_caption(i):
            self.role = "caption"
            if self.figure < 0:
                self.figure = tree.parent[i]

    def _close(self, i: int) -> None:
        """End the innermost open element; `i` is the index that the walk has reached."""
        _, name, role, figure = self.opened.pop()
        if name == "q":
            self.buffer.append("\u201d")
        elif self.table_end and (name in _IN_TABLE or (name == "table" and i >= self.table_end)):
            self._close_in_table(name)
        elif self.buffer:
            self.flush()
        self.role, self.figure = role, figure

    def _close_in_table(self, name: str) -> None:
        if name in _CELLS:
            self._cell()
        elif name == "tr":
            self._row()
        elif name == "caption":
            text = clean_inline("".join(self.buffer))
            self.buffer.clear()
            if text:
                self._add_text(text, "caption", 0.0)
        else:
            self._table()
            self.table_end = 0

    def flush(self) -> None:
        """End the text collected so far."""
        if not self.buffer:
            return
        raw = "".join(self.buffer) if len(self.buffer) > 1 else self.buffer[0]
        self.buffer.clear()
        linked, self.linked = self.linked, 0
        text = clean_code(raw) if self.role == "code" else clean_inline(raw)
        if not text or (len(text) < 4 and not any(c.isalnum() for c in text)):
            return
        if self.role == "list_item" and text[0] in WAYS_BACK:
            text = without_way_back(text)
        if "\n" in text and self.role.startswith("heading"):
            text = text.replace("\n", " ")
        self._add_text(text, self.role, min(1.0, linked / len(text)))

    def _listing(self, text: str, *, inside: bool) -> None:
        """Take a table or box of lines of code, in a `pre` or alone."""
        if inside:
            self.buffer.append("\n" + text)
            return
        self.flush()
        if text := clean_code(text):
            self._add_text(text, "code", 0.0)

    def _add_text(self, text: str, role: str, density: float) -> None:
        if len(self.nodes) >= self.limits.max_nodes:
            return
        if not len(self.nodes) & 63:
            self.deadline.check()
        self.total_text += len(text)
        self.total_link += int(density * len(text))
        self.nodes.append(Node(text=text, role=role, link_density=round(density, 4) if density else 0.0))
        self.figures.append(self.figure)

    def _cell(self) -> None:
        """End a table cell."""
        self.rows.cell(clean_inline("".join(self.buffer)).replace("\n", " "), *self.spans)
        self.buffer.clear()
        self.spans = 1, 1

    def _row(self) -> None:
        """End a table row."""
        if self.buffer:
            self._cell()
        self.rows.row()

    def _table(self) -> None:
        """End a table, or the part of it before an image."""
        self._row()
        if text := self.rows.take():
            self._add_text(text, "table", min(1.0, self.linked / len(text)))
        self.linked = 0

    def _image(self, i: int) -> None:
        """Take an image; the text before it ends, an emoji stands in the text."""
        self.placed.add(i)
        self.deadline.check()
        taken = self.gallery.take(i, noscript=i < self.noscript_end)
        if taken is None:
            return
        if isinstance(taken, str):
            self.buffer.append(taken)
            return
        if i < self.table_end:
            if self.buffer:
                self._cell()
            self._table()
        else:
            self.flush()
        if len(self.nodes) < self.limits.max_nodes:
            self.nodes.append(taken)
            self.figures.append(self.figure)

    def _is_caption(self, i: int) -> bool:
        """A box named caption is one where it is short and holds no picture itself."""
        tree = self.tree
        if not n.flags_of(tree.attrs[i]) & n.CAPTION or not n.judge_names(tree.get(i, "class") or "") & n.CAPTION:
            return False
        size = 0
        for j in range(i + 1, min(tree.end[i], i + 400)):
            if tree.tag[j] in IMAGE_TAGS or (tree.tag[j] in ("p", "div") and j > i + 12):
                return False
            size += len(tree.text[j])
        return 0 < size < 1_000

    def with_captions(self) -> list[Node]:
        """The nodes, each image of a figure with the figure's caption."""
        captions: dict[int, list[str]] = {}
        for node, figure in zip(self.nodes, self.figures, strict=True):
            if figure >= 0 and node.role == "caption" and node.text:
                captions.setdefault(figure, []).append(node.text)
        if not captions:
            return self.nodes
        nodes = []
        for at, (node, figure) in enumerate(zip(self.nodes, self.figures, strict=True)):
            if node.image_url is not None:
                found = captions.get(figure) or self._caption_beside(at, captions)
                if found:
                    node = replace(node, caption=" ".join(found)[:2_000])
            nodes.append(node)
        return nodes

    def _caption_beside(self, at: int, captions: dict[int, list[str]]) -> list[str] | None:
        """The caption that stands next to an image without a `figure` around both."""
        for near in (at + 1, at - 1):
            if not 0 <= near < len(self.nodes) or self.nodes[near].role != "caption":
                continue
            figure = self.figures[near]
            if figure >= 0 and self.tree.tag[figure] != "figure":
                return captions.get(figure)
        return None


def _ends_in_break(buffer: list[str]) -> bool:
    """Whether a break is the last thing but white space."""
    for piece in reversed(buffer):
        if piece == BREAK:
            return True
        if not piece.isspace():
            return False
    return True
