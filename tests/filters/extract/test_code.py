"""Code in tables and boxes, and the numbers of its lines."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filters.extract import extract
from filters.extract.code import line_numbers, listings
from filters.extract.tree import build

PROSE = "<p>" + "The bakery opens at five, when the street is dark and only the lorries pass. " * 3 + "</p>"
HEXO = (
    '<table><tr><td class="gutter"><pre><span class="line">1</span><br><span class="line">2</span></pre></td>'
    '<td class="code"><pre><span>if x:</span><br><span>    y()</span></pre></td></tr></table>'
)
PYGMENTS = (
    '<div class="highlight"><table><tbody><tr><td class="linenos"><div class="linenodiv"><pre>1\n2</pre></div></td>'
    "<td><div><pre>if x:\n    y()\n</pre></div></td></tr></tbody></table></div>"
)
INLINE = '<pre><span class="lineno">1 </span>if x:\n<span class="lineno">2 </span>    y()</pre>'
ROWS = (
    "<table><tbody><tr>\n<td>1</td>\n<td><code>if x:</code></td></tr>\n"
    "<tr>\n<td>2</td>\n<td><code>    <b>y</b>()</code></td></tr></tbody></table>"
)
ROWS_IN_PRE = (
    '<pre><code><table><tbody><tr><td class="hljs-ln-numbers"><div class="hljs-ln-n" data-line-number="1"></div></td>'
    '<td class="hljs-ln-code">if x:</td></tr><tr><td class="hljs-ln-numbers"></td>'
    '<td class="hljs-ln-code">    y()</td></tr></tbody></table></code></pre>'
)
BOXES = (
    '<table><tr><td class="gutter"><div class="line">1</div><div class="line">2</div></td><td class="code">'
    '<div class="box"><div class="line"><code>if x:</code></div>\n<div class="line">'
    "<code>&nbsp;&nbsp;&nbsp;&nbsp;</code><code>y()</code></div></div></td></tr></table>"
)


@pytest.mark.parametrize("mode", ["main", "recall"])
@pytest.mark.parametrize("listing", [HEXO, PYGMENTS, INLINE, ROWS, ROWS_IN_PRE, BOXES])
def test_a_listing_is_one_text_with_its_indentation_and_without_numbers(listing: str, mode: str) -> None:
    page = f"<html><body><article>{PROSE}{listing}{PROSE}</article></body></html>"
    nodes = extract(page.encode(), "https://h.example/", mode).nodes
    assert [(node.role, node.text) for node in nodes[1:-1]] == [("code", "if x:\n    y()")]


@pytest.mark.parametrize(
    "markup",
    [
        "<pre>1\n2\n3</pre>",
        "<pre class='line-numbers'><code>1\n2</code></pre>",
        "<table><tr><td>1</td><td><code>E_FAIL</code></td></tr><tr><td>2</td><td><code>E_BUSY</code></td></tr></table>",
        "<table><tr><td>1 3</td><td><code>x</code></td></tr></table>",
        "<table><tr><td>1 2</td><td>words</td></tr></table><code>x</code>",
        "<p class='line-number'>12 May</p><code>x</code>",
        "<div class='line-numbers'>7</div>",
    ],
)
def test_numbers_that_are_content_stay(markup: str) -> None:
    assert line_numbers(build(markup.replace("'", '"'))) == []


@pytest.mark.parametrize(
    "markup",
    [
        "<table><tr><td>1</td><td><code>E_FAIL</code></td></tr><tr><td>2</td><td><code>E_BUSY</code></td></tr></table>",
        "<table><tr><td><code> x</code></td></tr></table>",
        "<table><tr><td><code> x</code></td></tr><tr><td>words</td></tr></table>",
        "<table><tr><th>a</th></tr><tr><td><code> x</code></td></tr><tr><td><code> y</code></td></tr></table>",
        "<table><tr><td><code> x</code> words</td></tr><tr><td><code> y</code></td></tr></table>",
        "<div><div><code>x</code> words</div><div><code>y</code></div></div>",
        "<div><div><code>x</code></div><p>words</p><div><code>y</code></div></div>",
        "<code>x</code>",
    ],
)
def test_a_table_of_names_is_no_listing(markup: str) -> None:
    assert listings(build(markup)) == {}


@given(st.lists(st.text("ab(): \u00e9", min_size=1, max_size=20), min_size=2, max_size=8))
def test_the_lines_of_a_listing_are_those_of_its_rows(lines: list[str]) -> None:
    rows = "".join(f"<tr><td>{i}</td><td><code>  {line}</code></td></tr>" for i, line in enumerate(lines, 1))
    expected = "\n".join("  " + line.rstrip() if line.strip() else "" for line in lines)
    found = listings(build(f"<table><tbody>{rows}</tbody></table>"))
    assert list(found.values()) == ([expected] if expected.strip() else []) or not any(map(str.strip, lines))
