"""The extractors that are compared, each as `f(html, url)` giving ("text", str) and ("image", url) in page order.

Every one is imported when it is called for, so that this file serves our environment and that of the peers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urljoin

Extractor = Callable[[bytes, str], Any]


def weft(mode: str) -> Extractor:
    """Ours."""
    from filters.extract import extract

    return lambda html, url: extract(html, url, mode)


def trafilatura(fast: bool) -> Extractor:
    """Its default settings, with images and without readers' comments, as XML; `fast` is its own switch."""
    import lxml.etree
    from trafilatura import extract

    def run(html: bytes, url: str) -> list[tuple[str, str]]:
        xml = extract(html, url=url, include_images=True, include_comments=False, output_format="xml", fast=fast)
        return list(_walk(lxml.etree.fromstring(xml.encode()), url, "graphic")) if xml else []

    return run


def readability_lxml() -> Extractor:
    """The port of Arc90's algorithm."""
    import lxml.html
    from readability import Document

    def run(html: bytes, url: str) -> list[tuple[str, str]]:
        summary = Document(html, url=url).summary(html_partial=True)
        return list(_walk(lxml.html.fromstring(summary), url, "img")) if summary.strip() else []

    return run


def resiliparse() -> Extractor:
    """Main content as plain text; it gives no images."""
    from resiliparse.extract.html2text import extract_plain_text
    from resiliparse.parse.encoding import detect_encoding

    def run(html: bytes, url: str) -> list[tuple[str, str]]:
        del url
        text = html.decode(detect_encoding(html) or "utf-8", "replace")
        return [("text", extract_plain_text(text, main_content=True, alt_texts=False))]

    return run


def everything() -> Extractor:
    """BeautifulSoup with lxml: every text and image of the page, the naive floor."""
    from bs4 import BeautifulSoup

    def run(html: bytes, url: str) -> list[tuple[str, str]]:
        soup = BeautifulSoup(html, "lxml")
        for element in soup(["script", "style", "noscript", "template"]):
            element.decompose()
        nodes: list[tuple[str, str]] = []
        for node in soup.descendants:
            if isinstance(node, str):
                nodes.append(("text", str(node)))
            elif node.name == "img" and node.get("src"):
                nodes.append(("image", urljoin(url, str(node["src"]))))
        return nodes

    return run


def lexbor() -> Extractor:
    """Parsing alone: what no extractor on this parser can be faster than."""
    from selectolax.lexbor import LexborHTMLParser

    def run(html: bytes, url: str) -> list[tuple[str, str]]:
        del url
        LexborHTMLParser(html)
        return []

    return run


def _walk(root: Any, url: str, image: str) -> Iterator[tuple[str, str]]:
    import lxml.etree

    for event, element in lxml.etree.iterwalk(root, events=("start", "end")):
        if event == "start":
            if element.tag == image and element.get("src"):
                yield "image", urljoin(url, element.get("src"))
            if element.text and isinstance(element.tag, str):
                yield "text", element.text
        elif element.tail:
            yield "text", element.tail


EXTRACTORS: dict[str, Callable[[], Extractor]] = {
    "weft": lambda: weft("main"),
    "trafilatura": lambda: trafilatura(False),
    "trafilatura_fast": lambda: trafilatura(True),
    "readability_lxml": readability_lxml,
    "resiliparse": resiliparse,
    "everything": everything,
    "lexbor": lexbor,
}
