"""How each kind of page is laid out: functions that write a page's main content into a Draft."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from html import escape

from demo.album import Album, Shot
from demo.body import Body
from demo.dice import Dice
from demo.page import Kind
from demo.prose import Prose
from demo.words.grammar import capitalised


@dataclass(slots=True)
class Draft:
    """A page in the making. `head` goes into its head element; `absent` are texts that are not content."""

    title: str
    prose: Prose
    album: Album
    body: Body
    dice: Dice
    head: list[str] = field(default_factory=list)
    absent: list[str] = field(default_factory=list)


def _start(draft: Draft) -> None:
    draft.body.heading(1, draft.title)
    draft.body.paragraph(draft.prose.paragraph("opening", "people", "place", *draft.dice.pick(((), ("opinion",)))))


def _section(draft: Draft, shot: Shot, style: str = "plain", caption: bool = True) -> None:
    """A heading, two paragraphs, a picture between them or before them."""
    prose, body, dice = draft.prose, draft.body, draft.dice
    body.heading(2, prose.line("headings"))
    first = dice.chance(0.3)
    if first:
        body.picture(shot, style, caption)
    body.paragraph(prose.theme(dice.between(2, 4)))
    if not first:
        body.picture(shot, style, caption)
    body.paragraph(prose.join([draft.album.describe(shot), prose.theme(dice.between(2, 3))]))


def _end(draft: Draft) -> None:
    draft.body.paragraph(draft.prose.paragraph(*("closing",) * draft.dice.between(2, 3)))


def article(draft: Draft, style: str = "plain") -> None:
    """Title, opening, two to four sections with a picture each, sometimes a quote, an end."""
    dice = draft.dice
    _start(draft)
    sections = dice.pick((2, 2, 2, 3, 3, 4))
    for i in range(sections):
        shot = draft.album.shot(variants=style.startswith("srcset"))
        _section(draft, shot, style, caption=dice.chance(0.8))
        if i == 0 and dice.chance(0.3):
            draft.body.quote(draft.prose.line("quotes"))
    _end(draft)


def gallery(draft: Draft) -> None:
    """Many pictures with a caption each, two short texts; the first picture again, smaller and worse."""
    draft.title = draft.prose.line("gallery_titles")
    _start(draft)
    for i in range(draft.dice.between(5, 9)):
        shot = draft.album.shot(small=i > 3)
        draft.body.picture(shot, "linked" if i % 2 else "plain")
        if i == 2:
            draft.body.paragraph(draft.prose.theme(3))
    first = draft.album.again(draft.album.shots[0], 35, 0.6)
    draft.body.picture(first, caption=False)
    draft.body.paragraph(draft.prose.theme(3))
    _end(draft)


def lazy(draft: Draft) -> None:
    """An article whose pictures are loaded by a script."""
    article(draft, draft.dice.pick(("lazy", "placeholder")))


def srcset(draft: Draft) -> None:
    """An article with pictures in several sizes or formats."""
    article(draft, draft.dice.pick(("srcset", "srcset_only", "picture", "picture")))


def table(draft: Draft) -> None:
    """Figures of a season, with a chart of them."""
    prose, dice = draft.prose, draft.dice
    _start(draft)
    draft.body.paragraph(prose.paragraph("table_intro", "figures"))
    months = prose.words.row("months")
    start, nouns = dice.below(6), prose.words.tables["nouns"]
    rows: list[tuple[str, ...]] = [prose.words.row("table_head")]
    for i in range(dice.between(4, 6)):
        sold = dice.pick(tuple(nouns.values())[:20])[0]
        rows.append((months[start + i], str(dice.between(80, 990)), str(dice.between(100, 2400)), capitalised(sold)))
    draft.body.table(rows)
    chart = draft.album.shot(dice.pick(("bars", "line", "pie")))
    draft.body.picture(chart)
    draft.body.paragraph(prose.join([draft.album.describe(chart), prose.paragraph("figures", "figures", "opinion")]))
    _section(draft, draft.album.shot())
    _end(draft)


def listing(draft: Draft) -> None:
    """What to bring to a course."""
    _start(draft)
    draft.body.paragraph(draft.prose.paragraph("list_intro", "visitors"))
    count = draft.dice.between(5, 8)
    draft.body.items([draft.prose.line("list_items") for _ in range(count)], draft.dice.chance(0.4))
    _section(draft, draft.album.shot())
    _section(draft, draft.album.shot(), caption=False)
    _end(draft)


def code(draft: Draft) -> None:
    """A little program between paragraphs."""
    _start(draft)
    draft.body.paragraph(draft.prose.paragraph("code_intro", "work"))
    comment = draft.prose.words.lines["code_comment"][0]
    rows = draft.dice.between(3, 9)
    draft.body.code(
        f"# {comment}\nfor drawer in range({rows}):\n    sheets = load(drawer)\n    if len(sheets) < {rows * 4}:\n"
        f'        print(f"{{drawer}}: {{len(sheets)}} < {rows * 4}")'
    )
    _section(draft, draft.album.shot("sign"))
    _section(draft, draft.album.shot("bars"))
    _end(draft)


def links(draft: Draft) -> None:
    """A thousand links after a paragraph."""
    draft.body.heading(1, draft.title)
    draft.body.paragraph(draft.prose.paragraph("links_intro", "opening", "work"))
    name = draft.prose.words.lines["link"][0]
    texts = [name.replace("{i}", str(i)) for i in range(1, 1001)]
    draft.absent += texts[:3]
    draft.body.raw('<div class="link-list">')
    draft.body.raw("\n".join(f'<a href="/sheet/{i}">{escape(text)}</a>' for i, text in enumerate(texts, 1)))
    draft.body.raw("</div>")


def no_images(draft: Draft) -> None:
    """An article in words alone."""
    _start(draft)
    for _ in range(3):
        draft.body.heading(2, draft.prose.line("headings"))
        draft.body.paragraph(draft.prose.theme(4))
        draft.body.paragraph(draft.prose.theme(3))
    _end(draft)


def junk(draft: Draft) -> None:
    """Keywords for search engines, or letters without sense; a picture all the same."""
    words, dice = draft.prose.words.row("junk"), draft.dice
    draft.title = " ".join(dice.some(words, 4))
    draft.body.heading(1, draft.title)
    if dice.chance(0.5):
        text = " ".join(dice.pick(words) for _ in range(160))
    else:
        letters = "bcdfghklmnprstvwxz#@%"
        text = " ".join("".join(dice.pick(letters) for _ in range(dice.between(2, 9))) for _ in range(60))
    draft.body.paragraph(text)
    draft.body.picture(draft.album.shot(), caption=False, alt=False)
    draft.body.paragraph(" | ".join(dice.some(words, 12)))


def recipe(draft: Draft) -> None:
    """Ingredients, steps, and a story before them that nobody asked for."""
    prose = draft.prose
    draft.title = prose.line("recipe_titles")
    _start(draft)
    shot = draft.album.shot("things")
    draft.body.picture(shot)
    draft.body.items([prose.line("ingredients") for _ in range(draft.dice.between(6, 8))])
    draft.body.items([prose.line("steps") for _ in range(6)], ordered=True)
    draft.body.paragraph(prose.join([draft.album.describe(shot), prose.theme(3)]))
    draft.body.picture(draft.album.shot("pattern"), caption=False)
    _end(draft)


def shop(draft: Draft) -> None:
    """A print for sale: pictures, description, a table of properties."""
    prose, says = draft.prose, draft.prose.words
    draft.title = prose.line("shop_titles")
    draft.body.heading(1, draft.title)
    shots = [draft.album.shot("things"), draft.album.shot("sign")]
    draft.body.picture(shots[0], "linked", caption=False)
    button = prose.said(says.one("chrome", "cart"))
    draft.absent.append(button)
    draft.body.raw(f'<form action="/cart" method="post"><button class="add-to-cart">{escape(button)}</button></form>')
    draft.body.paragraph(prose.join([draft.album.describe(shots[0]), prose.paragraph("shop", "shop", "shop")]))
    draft.body.table([(key, value[0]) for key, value in says.tables["specs"].items()], head=False)
    draft.body.picture(shots[1])
    draft.body.paragraph(prose.paragraph("shop", "shop", "work", "work", "opinion"))
    _end(draft)


def forum(draft: Draft) -> None:
    """A question and its answers, pictures in between; the reply buttons are not content."""
    prose = draft.prose
    draft.title = prose.line("forum_titles")
    draft.body.heading(1, draft.title)
    reply = prose.said(prose.words.one("chrome", "reply"))
    draft.absent.append(reply)
    for i in range(5):
        draft.body.raw(f'<div class="post" id="p{i}">')
        shot = draft.album.shot() if i in (0, 3) else None
        text = prose.join([prose.line("posts"), prose.paragraph("work", "opinion" if i % 2 else "work")])
        draft.body.paragraph(text)
        if shot:
            draft.body.paragraph(draft.album.describe(shot))
            draft.body.picture(shot, caption=False)
        draft.body.raw(f'<a class="reply" href="#reply{i}">{escape(reply)}</a></div>')


LAYOUTS: dict[Kind, Callable[[Draft], None]] = {
    Kind.GALLERY: gallery,
    Kind.LAZY: lazy,
    Kind.SRCSET: srcset,
    Kind.TABLE: table,
    Kind.LIST: listing,
    Kind.CODE: code,
    Kind.LINKS: links,
    Kind.NO_IMAGES: no_images,
    Kind.JUNK: junk,
    Kind.RECIPE: recipe,
    Kind.SHOP: shop,
    Kind.FORUM: forum,
}
