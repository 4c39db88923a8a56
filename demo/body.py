"""The main content of a page, written twice at once: as HTML, and as the truth about it."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from urllib.parse import urlsplit

from demo.album import Album, Shot
from demo.page import ImageNode, TextNode

BLANK = "data:image/gif;base64,R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7"


class Body:
    """Blocks of content in page order. `relative` writes image addresses without scheme and host."""

    def __init__(self, album: Album, relative: bool) -> None:
        self.album, self._relative = album, relative
        self.html: list[str] = []
        self.nodes: list[TextNode | ImageNode] = []
        self.pairs: list[tuple[str, str]] = []
        self.alternatives: dict[str, tuple[str, ...]] = {}

    def raw(self, html: str) -> None:
        """HTML that adds nothing to the truth."""
        self.html.append(html)

    def heading(self, level: int, text: str) -> None:
        """A heading of level 1 to 6."""
        self._text(f"heading{level}", text, f"<h{level}>{escape(text)}</h{level}>")

    def paragraph(self, text: str) -> None:
        """A paragraph."""
        self._text("paragraph", text, f"<p>{escape(text)}</p>")

    def quote(self, text: str) -> None:
        """A block quote."""
        self._text("quote", text, f"<blockquote><p>{escape(text)}</p></blockquote>")

    def code(self, text: str) -> None:
        """A block of code."""
        self._text("code", text, f"<pre><code>{escape(text)}</code></pre>")

    def items(self, items: Sequence[str], ordered: bool = False) -> None:
        """A list, a node an item."""
        tag = "ol" if ordered else "ul"
        self.html.append(f"<{tag}>\n" + "\n".join(f"<li>{escape(item)}</li>" for item in items) + f"\n</{tag}>")
        self.nodes += [("text", "list_item", item) for item in items]

    def table(self, rows: Sequence[Sequence[str]], head: bool = True) -> None:
        """A table, its first row a head or not; in the truth a row is a line, its cells apart by " | "."""
        lines = ["".join(f"<td>{escape(cell)}</td>" for cell in row) for row in rows]
        top = ""
        if head:
            top = f"<thead><tr>{lines.pop(0).replace('td>', 'th>')}</tr></thead>"
        inner = "".join(f"<tr>{line}</tr>" for line in lines)
        text = "\n".join(" | ".join(row) for row in rows)
        self._text("table", text, f"<table>{top}<tbody>{inner}</tbody></table>")

    def picture(self, shot: Shot, style: str = "plain", caption: bool = True, alt: bool = True) -> None:
        """An image: in a figure where it has a caption, else in a paragraph. For `style` see `_tag`."""
        text = shot.caption if caption else ""
        shown_alt = shot.alt if alt else ""
        tag, others = self._tag(shot, style, shown_alt)
        if caption:
            self.html.append(f'<figure class="wp-block-image">{tag}<figcaption>{escape(text)}</figcaption></figure>')
        else:
            self.html.append(f"<p>{tag}</p>")
        self.nodes.append(("image", shot.url, shown_alt, text))
        if caption:
            self.nodes.append(("text", "caption", text))
        if shot.whole:
            self.pairs.append((shot.url, text or shot.says))
        if others:
            self.alternatives[shot.url] = others

    def address(self, url: str) -> str:
        """`url` as the page writes it."""
        parts = urlsplit(url)
        return escape(parts.path if self._relative else url)

    def _text(self, role: str, text: str, html: str) -> None:
        self.html.append(html)
        self.nodes.append(("text", role, text))

    def _tag(self, shot: Shot, style: str, alt: str) -> tuple[str, tuple[str, ...]]:
        """The img element, and the URLs that show the same.

        plain; linked (to itself); lazy (data-src, and the plain element in noscript); placeholder (a grey file
        in src, the picture in data-original); srcset; srcset_only; picture (a WebP source before the img).
        """
        src, (width, height) = self.address(shot.url), shot.size
        rest = f'alt="{escape(alt)}" width="{width}" height="{height}"'
        plain = f'<img src="{src}" {rest}>'
        if style == "linked":
            return f'<a href="{src}">{plain}</a>', ()
        if style == "lazy":
            lazy = f'<img class="lazyload" src="{BLANK}" data-src="{src}" {rest}>'
            return f"{lazy}<noscript>{plain}</noscript>", ()
        if style == "placeholder":
            return f'<img class="lazy" src="/static/img/loading.gif" data-original="{src}" {rest}>', ()
        if style in ("srcset", "srcset_only"):
            small = [f"{self.address(url)} {w}w" for url, w in shot.variants]
            srcset = ", ".join([*small, f"{src} {width}w"])
            first = self.address(shot.variants[0][0]) if shot.variants else src
            start = f'src="{first}" ' if style == "srcset" else ""
            tag = f'<img {start}srcset="{srcset}" sizes="(max-width: 600px) 320px, 640px" {rest}>'
            return tag, tuple(url for url, _ in shot.variants)
        if style == "picture":
            webp = self.album.webp(shot)
            source = f'<source type="image/webp" srcset="{self.address(webp)}">'
            return f"<picture>{source}{plain}</picture>", (webp,)
        return plain, ()
