"""What goes out of the chosen nodes by what they say and where they stand: bylines and dates before the text, links to
other articles and legal lines after it, labels of buttons anywhere, captions that the page shows twice.

Only in mode `main`. The patterns are short phrases of page furniture in the languages of the large crawls; a text
that reads like a sentence is never taken out by its place. Those that are asked of every short text are in lower case,
as the texts are then: it takes a third of the time that ignoring case does.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from filters.extract.document import Node

_REPEATED: Final = 40
"""Characters from which a caption that stands in the page again is the same one (galleries, lightboxes; tuned on the
gold's tune half: 20 loses 0.001, 80 alike)."""
_LONG: Final = 120
"""Characters of a text with which the article has begun (tuned on the gold's tune half, 80 to 160 alike)."""
_ENOUGH_BEFORE: Final = 250
"""Characters before a heading of related articles from which all under it goes, however much it is (half and twice of
it alike on the gold's tune half)."""
_HEAD_NODES: Final = 15
"""Nodes in which bylines and dates are looked for where no long text comes before (7 to 30 within 0.001 on the
gold's tune half)."""
_NOTICE: Final = 800
"""Characters of a notice about advertising links, at most (half and twice of it alike on the gold's tune half)."""
_SHORT: Final = 110
"""Characters of a byline or a line of dates, at most (half and twice of it within 0.0006 on the gold's tune half)."""

_WHOLE_LINK: Final = 0.9
"""Share of linked characters from which a heading is the title of another article, if it stands among others."""
_TITLES: Final = 2
"""Headings in a row that are links, from which they are the titles of other articles (on the gold's tune half no score
depends on it, on the other it gains 0.001 of scrapinghub's F1)."""
_PARTLY: Final = 0.3
"""Share of linked characters from which a text is no plain one (half and twice of it alike on the gold's tune half)."""
_TEASER: Final = 300
"""Characters of a text that leads to another article, at most (half and twice of it alike on the gold's tune half)."""
_LEGAL_TEXT: Final = 400
"""Characters of a legal line, at most (half and twice of it alike on the gold's tune half)."""
_LINKED: Final = 0.6
"""Share of linked characters from which a text is a link to another page (on the gold's tune half 0.3 loses 0.001, 0.45
to 0.9 within 0.0002)."""

_SEE_ALSO_LINE: Final = 40
"""Characters of a heading or line that says that other articles follow, at most (half and twice of it alike on the
gold's tune half)."""

_LABEL: Final = re.compile(
    r"(?:advertisements?|ads?|anzeige|werbung|publicit[ée]|publicidade?|pubblicit[àa]|reklama?|реклама|广告|廣告|広告|광고|"
    r"share(?: this)?(?: (?:article|story|post|page|on).{0,20})?|teilen|partager|compartir|compartilhar|"
    r"condividi|поделиться|分享|"
    r"tweet|pin(?: it)?|print(?: this)?|email(?: this)?|e-mail|facebook|twitter|whatsapp|linkedin|pinterest|reddit|"
    r"close|caption|loading\W*|skip (?:to|advertisement).{0,30}|read more|continue reading|mehr lesen|"
    r"lire la suite|leia mais|"
    r"leer m[áa]s|next|previous|back to top|nach oben|subscribe(?: now)?|sign up|log ?in|comments?|"
    r"\d+ comments?|leave a comment|"
    r"image \d+ of \d+|slide \d+ of \d+|\d+ (?:of|/) \d+|false|true|undefined|null|image|photo|video|"
    r"media playback is unsupported on your device|"
    r"this video file cannot be played\W*(?:\(error code: \d+\))?|watch(?: now| live)?|play video|"
    r"view gallery|image copyright|"
    r"(?:nos )?siga(?:-nos)? (?:no|na|o|em)\b.{0,30}|follow us.{0,30}|suivez-nous.{0,30}|"
    r"folgen? (?:sie )?uns.{0,30}|s[íi]guenos.{0,30}|seguici.{0,30}|"
    r"more|weiter(?:lesen)?|menu|search|tags|report issue|save|like|follow|reply|link copied!?|copy link)\W*\Z",
)
"""Labels of buttons and players, a whole text each (without them the gold's tune half loses 0.0004 of scrapinghub's
F1)."""
_NETWORKS: Final = re.compile(
    r"(?:(?:facebook|twitter|x|whats ?app|telegram|pinterest|pint|linked ?in|reddit|e-?mail|mail|print|share|"
    r"tweet|copy link|"
    r"link|instagram|youtube|tumblr|messenger|flipboard|vk|sms|line|wechat|weibo|pocket|save|more|like|follow|"
    r"on|via|to|"
    r"baixar|teilen|drucken|imprimir|imprimer|partager|envoyer|compartir|compartilhar|enviar|condividi|stampa|"
    r"sur|en|su|no|\d+)\b\W*)+\Z",
)
"""Names of networks and nothing else: a share row whose links scripts set (no score of the gold's tune half depends on
it)."""
_SEE_ALSO: Final = re.compile(
    r"\W*(?:related(?: (?:stories|articles?|posts?|content|links?|coverage|news|topics?|video))?|read (?:more|"
    r"also|next|this)|see (?:also|more)|also (?:read|see|on)|"
    r"more (?:from|on|about|stories|news|in|coverage)|(?:you )?(?:may|might) (?:also )?like|recommended|"
    r"don.t miss|must read|watch|click here|"
    r"lesen sie (?:auch|mehr)|mehr (?:zum thema|dazu|lesen)|siehe auch|auch interessant|das k[öo]nnte|"
    r"weitere? (?:artikel|informationen|themen)|passend dazu|"
    r"[àa] lire|lire aussi|voir aussi|lee tambi[ée]n|le(?:er|a) (?:m[áa]s|tambi[ée]n)|te puede interesar|"
    r"ver tamb|noticias relacionadas|"
    r"leia (?:mais|tamb)|veja (?:mais|tamb)|saiba mais|leggi anche|potrebbe interessarti|czytaj (?:te[żz]|"
    r"wi[ęe]cej|tak)|zobacz (?:te[żz]|tak)|"
    r"читайте также|смотрите также|по теме|похожие|lees ook|l[äa]s (?:mer|ocks)|les ogs[åa]|l[æa]s ogs[åa]|"
    r"lue my[öo]s|baca juga|"
    r"weiterf[üu]hrende[rs]?|verwandte[rs]?|(?:audios?|vid[ée]os?|photos?)(?: et (?:audios?|"
    r"vid[ée]os?))?(?= sur)|mehr von|plus (?:de|sur)|(?:et )?sur le m[êe]me (?:sujet|th[èe]me)|"
    r"[àa] voir aussi|en savoir plus|"
    r"相关(?:阅读|新闻|文章|推荐)|延伸閱讀|相關|関連(?:記事|リンク|ニュース)?|あわせて読みたい|"
    r"관련\s?기사|voc[êe] pode gostar|top (?:video|stories))\b",
)
"""What leads to other articles, in the languages of the large crawls (without it the gold's tune half loses 0.010 of
the snippets and 0.0005 of scrapinghub's F1, and gains 0.002 on the readability set, which keeps such lines)."""
_BYLINE: Final = re.compile(
    r"\W*(?:by|von|par|por|de|di|door|av|af|przez|author|autor[ea]?|auteur|written by|words by|posted by|"
    r"published by|text|автор|текст|文|作者|記者|"
    r"posted(?: in| on)?|published|updated|last (?:updated|modified)|ver[öo]ffentlicht|aktualisiert|"
    r"publi[ée]e?|mis [àa] jour|publicado|"
    r"atualizado|actualizado|pubblicato|aggiornato|opublikowano|опубликовано|first published)\b[\s:]",
)
"""What a line about the author or the day begins with (without it the gold's tune half loses 0.0001; with `_DATE` 0.005
of the snippets)."""
_DATE: Final = re.compile(
    r"\d{1,2}[./\-]\d{1,2}[./\-](?:19|20)?\d\d|(?:19|20)\d\d[./\-年]\s?\d{1,2}|\d{1,2}:\d\d|"
    r"\b\d{1,2}(?:st|nd|rd|th)?\.?\s+(?:de\s+)?[a-zà-ÿа-я]{3,10}\.?,?\s+(?:de\s+)?(?:19|20)\d\d\b|"
    r"\b[a-z]{3,9}\.?\s+\d{1,2}(?:st|nd|rd|th)?,?\s+(?:19|20)\d\d\b|\b\d+\s+(?:min(?:ute)?s?|hours?|days?|"
    r"weeks?|months?|years?)\s+(?:ago|read)\b",
)
_DIGIT: Final = re.compile(r"\d")
"""A day, or how long ago or to read (without it the gold's tune half loses 0.005 of the snippets and gains 0.0006 on
the readability set)."""
_LEGAL: Final = re.compile(
    r"\W*(?:©|copyright\b|\(c\) ?\d|all rights reserved|alle rechte|tous droits|todos los derechos|"
    r"todos os direitos|tutti i diritti|"
    r"все права|this document is subject to copyright|no part may be reproduced|terms of (?:use|service)|"
    r"privacy policy|"
    r"your email address will not be published|follow (?:me|us|him|her)? ?(?:on|@)|"
    r"sign up (?:for|to)|subscribe (?:to|for)|get (?:the|our) (?:latest|newsletter|best)|download (?:the|our) app|"
    r"(?:der|dieser|diesen) (?:beitrag|artikel|eintrag) (?:wurde|ist|teilen)|this (?:entry|post|"
    r"article) (?:was|is) (?:posted|published|filed|tagged)|"
    r"cet? (?:article|billet|entr[ée]e) (?:a [ée]t[ée]|est)|esta entrada|este (?:post|artigo|"
    r"art[íi]culo) (?:foi|fue)|questo articolo|"
    r"(?:\| )?(?:aufrufe|rating|views|hits|vues|просмотров|visitas|visualizza[çc][õo]es|kommentare insgesamt|"
    r"total comments|bewertung|permalink?|permalien|trackback)\b|"
    r"aten[çc][ãa]o: coment|os? coment[áa]rios?\b|comments? (?:are|on|to)\b|kommentare (?:sind|zu)|"
    r"leave a (?:reply|comment)|les commentaires|"
    r"(?:nos )?siga(?:-nos)? |suivez|folgen sie|s[íi]guenos|seguici|obserwuj|подпис|edited by|reporting by|"
    r"additional reporting|"
    r"citation:|tags?\b\W|filed under|posted in|categor(?:y|ies)\b|schlagw[öo]rter|mots[- ]cl[ée]s|etiquetas|"
    r"метки|теги|标签|タグ)",
    re.I,
)
"""What legal lines, requests and tags after an article begin with (without it the gold's tune half loses 0.0001)."""
_COOKIES: Final = re.compile(
    r"\W*(?:(?:we|(?:this|our) (?:web)?site) uses? (?:(?:our|own|and|or|some|only|these|browser|session|technical|"
    r"necessary|essential|functional|tracking|(?:first|third)[- ]party) )*cookies|"
    r"by (?:using|continuing).{0,80}\bcookies|"
    r"(?:wir|(?:diese|unsere) (?:web)?(?:site|seite)) (?:ver|be)?(?:nutz|wend)(?:t|en|et) .{0,30}\bcookies|"
    r"(?:nous utilisons|ce site (?:web )?utilise) .{0,20}\bcookies|"
    r"(?:utilizamos|usamos|(?:este|nuestro|nosso) (?:sitio|site)(?: web)? (?:utiliza|usa)) .{0,20}\bcookies|"
    r"(?:utilizziamo|questo sito(?: web)? (?:utilizza|usa)) .{0,20}\bcookie|"
    r"(?:deze (?:web)?site gebruikt|wij gebruiken) .{0,20}\bcookies|(?:(?:ta|nasza) )?strona .{0,30}\bcookie|"
    r"мы используем .{0,30}\bcookie|(?:vi|denne|den här) (?:använder|bruger|bruker) .{0,30}\bcookies)|"
    r".{0,100}\bcookies? (?:zulassen|akzeptieren|ablehnen|policy|settings|einstellungen|richtlinien?)\b",
    re.I | re.S,
)
"""Notices of cookies: how they begin, or what they offer (from a page of the gold's tune half; another score does not
change)."""
_CREDIT: Final = re.compile(
    r"\W*(?:foto|photo|photographs?|image|bild|cr[ée]ditos?|cr[ée]dit|credits?|source|quelle|fuente|fonte|fot\.|zdj[ęe]cie|©|\(c\)|"
    r"getty images|reuters|shutterstock|istock|ap photo)s?\b.{0,70}\Z|\W*©.{0,70}\Z",
    re.S,
)
"""Who made a picture (without it the gold's tune half loses 0.010 of the snippets and gains 0.001 on the readability
set, which keeps credits)."""
_AGENCY: Final = re.compile(r"[/|] ?(?:getty images|reuters|shutterstock|istock|afp|ap|epa)(?:\.com)?\W*\Z")
"""The agencies that stand after a photographer's name (without them the gold's tune half loses 0.005 of the
snippets)."""
_NAME: Final = 50
"""Characters of a photographer's name before that of the agency, at most (tuned on the gold's tune half: 25 loses
0.005 of the snippets, 100 alike)."""
_SENTENCE_END: Final = re.compile(
    "[.!?\u2026\u3002\uff01\uff1f\u0964\u061f:;][\"'\u201d\u2019\u00bb)\\]\\s]*(?:\\[\\d+\\]\\s*)*\\Z"
)
"""How a sentence ends, footnote marks after it (never matching gains 0.0001 on the gold's tune half and loses sentences
with a date in them)."""


_UNSPOKEN: Final = re.compile(r"[\W_]+")
"""What is not read aloud, by Unicode."""


def key_of(text: str) -> str:
    """A text without case, punctuation and white space."""
    return _UNSPOKEN.sub("", text.casefold())


_DISCLOSURE: Final = re.compile(
    r"\W*(?:this|our) (?:post|article|page|story|site|content) (?:may )?(?:contains?|includes?) (?:affiliate|"
    r"references|paid|sponsored|links)|"
    r"\W*dieser (?:artikel|beitrag|text) enth[äa]lt (?:affiliate|werbe)",
    re.I,
)
"""Notices of advertising links (without them the gold's tune half loses 0.005 of the snippets)."""


def _anywhere(node: Node, text: str, seen: set[str]) -> str | None:
    """Why a text goes wherever it stands, or None; `seen` collects the texts of the page."""
    size = len(text)
    lower = text.lower() if size < _SHORT else ""
    if size >= _REPEATED:
        if text in seen and node.role == "caption":
            return "repeated"
        seen.add(text)
    elif node.role != "code" and _LABEL.match(lower):
        return "label"
    if lower:
        if node.role in ("caption", "paragraph") and _is_credit(lower):
            return "credit"
        if node.role in ("paragraph", "list_item") and " " in text and _NETWORKS.match(lower):
            return "label"
    elif size < _NOTICE and _DISCLOSURE.match(text):
        return "disclosure"
    return None


def _is_credit(text: str) -> bool:
    """Whether a short text, in lower case, names who made a picture."""
    if _CREDIT.match(text):
        return True
    if "/" not in text and "|" not in text:
        return False
    found = _AGENCY.search(text)
    return found is not None and found.start() <= _NAME


def _says_when(text: str) -> bool:
    """Whether a text holds a day, or how long ago or to read."""
    lower = text.lower()
    return "min read" in lower or (_DIGIT.search(lower) is not None and _DATE.search(lower) is not None)


def trim(nodes: list[Node], title: str | None, author: str | None = None) -> Iterator[tuple[int, str]]:
    """Indices of the nodes to leave out, each with why, in no order."""
    gone: dict[int, str] = {}
    seen: set[str] = set()
    for i, node in enumerate(nodes):
        text = node.text
        if text is None:
            continue
        why = _anywhere(node, text, seen)
        if why is not None:
            gone[i] = why
        if node.link_density > _PARTLY and len(text) < _TEASER and i not in gone and _SEE_ALSO.match(text.lower()):
            gone[i] = "see_also"
    _trim_see_also(nodes, gone)
    _trim_titles(nodes, gone)
    _trim_related(nodes, gone)
    begin = next((i for i, node in enumerate(nodes) if _is_content(node) and i not in gone), len(nodes))
    _trim_head(nodes, begin, title, author, gone)
    _trim_tail(nodes, begin, gone)
    yield from gone.items()


def _trim_see_also(nodes: list[Node], gone: dict[int, str]) -> None:
    """A line that says that other articles follow, and the links that do, with their pictures."""
    for i, node in enumerate(nodes):
        if node.text is None or len(node.text) > _SEE_ALSO_LINE or node.role not in ("paragraph", "list_item"):
            continue
        if node.link_density > _LINKED:  # each link is passed once
            continue
        last, stop = i, i + 1
        while stop < len(nodes) and (nodes[stop].text is None or nodes[stop].link_density > _LINKED):
            last = stop if nodes[stop].text is not None else last
            stop += 1
        if last > i and _says_see_also(node.text):
            gone.update((j, "related") for j in range(i, last + 1) if j not in gone)


def _trim_titles(nodes: list[Node], gone: dict[int, str]) -> None:
    """Headings of one rank that follow each other and are links, in the text of an article: titles of others. A listing
    has texts or pictures between them, a manual headings of another rank."""
    if sum(node.link_density > _WHOLE_LINK and node.role.startswith("heading") for node in nodes) < _TITLES:
        return
    before, i = 0, 0
    while i < len(nodes):
        stop = i
        while stop < len(nodes) and _is_title(nodes[stop]) and nodes[stop].role == nodes[i].role:
            stop += 1
        if stop - i >= _TITLES and before >= _ENOUGH_BEFORE and (stop == len(nodes) or nodes[stop].text is not None):
            gone.update((j, "related") for j in range(i, stop) if j not in gone)
        if stop == i:
            before += len(nodes[i].text or "") if nodes[i].link_density < _PARTLY else 0
        i = max(stop, i + 1)


def _is_title(node: Node) -> bool:
    return node.text is not None and node.role.startswith("heading") and node.link_density > _WHOLE_LINK


def _says_see_also(text: str) -> bool:
    """Whether a text says that other articles follow, and no more."""
    found = _SEE_ALSO.match(text.lower()) if len(text) <= _SEE_ALSO_LINE else None
    return found is not None and len(text) - found.end() <= 3


def _trim_related(nodes: list[Node], gone: dict[int, str]) -> None:
    """What stands under a heading that says that other articles follow, up to the next heading of its rank."""
    total = sum(len(node.text) for node in nodes if node.text)
    for i, node in enumerate(nodes):
        if i in gone or node.text is None or not node.role.startswith("heading") or not _says_see_also(node.text):
            continue
        stop = i + 1
        size = 0
        while stop < len(nodes) and not (nodes[stop].role.startswith("heading") and nodes[stop].role <= node.role):
            size += len(nodes[stop].text or "")
            stop += 1
        before = sum(len(other.text) for other in nodes[:i] if other.text)
        if size < 0.5 * total or before >= _ENOUGH_BEFORE:
            for j in range(i, stop):
                gone.setdefault(j, "related")


def _is_content(node: Node) -> bool:
    """Whether the node is a text of some length that is no link."""
    return (
        node.text is not None
        and len(node.text) >= _LONG
        and node.link_density < _PARTLY
        and node.role not in ("caption",)
    )


def _trim_head(nodes: list[Node], begin: int, title: str | None, author: str | None, gone: dict[int, str]) -> None:
    """The title again, bylines, dates, breadcrumbs before the article begins."""
    wanted = key_of(title) if title else ""
    writer = key_of(author) if author else ""
    below = False  # a heading other than the title
    for i in range(min(begin, len(nodes), _HEAD_NODES)):
        node = nodes[i]
        if node.text is None or i in gone:
            continue
        if node.role.startswith("heading"):
            key = key_of(node.text)
            if (
                wanted
                and key
                and (key == wanted or (len(key) > (20 if key.isascii() else 4) and (key in wanted or wanted in key)))
            ):
                gone[i] = "title"
                below = False
        elif node.role in ("paragraph", "list_item") and len(node.text) <= _SHORT:
            sentence = node.link_density < 1 and node.text.endswith((".", "!", "?", "\u3002"))  # no breadcrumb ends so
            if node.link_density > 0.5 and not below and not sentence:
                gone[i] = "links"
            elif (
                (writer and key_of(node.text) == writer)
                or _BYLINE.match(node.text.lower())
                or (_says_when(node.text) and not _SENTENCE_END.search(node.text))
            ):
                gone[i] = "byline"


def _trim_tail(nodes: list[Node], begin: int, gone: dict[int, str]) -> None:
    """Links to other pages, legal lines and headings of nothing after the article has ended, and the pictures between
    them; pictures after the last true text stay."""
    pictures: list[int] = []
    for i in range(len(nodes) - 1, begin, -1):
        if i in gone:
            continue
        if nodes[i].text is None:
            pictures.append(i)
            continue
        why = _why_tail(nodes[i])
        if why is None:
            break
        gone[i] = why
        gone.update(dict.fromkeys(pictures, why))
        pictures = []


def _why_tail(node: Node) -> str | None:
    """What a text after the end of an article is, or None where it belongs to the article."""
    text = node.text or ""
    short = len(text) < _SHORT
    if node.role.startswith("heading") or (short and _SEE_ALSO.match(text.lower())):
        return "heading of nothing"
    if node.role in ("paragraph", "list_item", "quote", "table") and node.link_density > _LINKED:
        return "links"
    if len(text) < _LEGAL_TEXT and _LEGAL.match(text):
        return "legal"
    if len(text) < _NOTICE and "ookie" in text and _COOKIES.match(text):
        return "cookies"
    line = short and node.role in ("paragraph", "list_item") and not _SENTENCE_END.search(text)
    return "byline" if line and (_BYLINE.match(text.lower()) or _says_when(text)) else None
