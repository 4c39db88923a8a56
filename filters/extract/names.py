"""What the class and id of an element say about it, as whole words and in several languages.

`leftSidebar`, `left-sidebar` and `left_sidebar2` all hold the word `sidebar`; `consider` does not hold `side`. The
words are those that page templates use everywhere (WordPress, Drupal, Blogger, Bootstrap and home-made ones); none
belongs to one site. A word with a hyphen stands for both spellings (`read-more`: `readMore`, `read_more`, `readmore`),
and every word for its plural in `s`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Final

from filters.extract.tree import value_at

UNLIKELY: Final = 1  # furniture by name; believed only where nothing of MAYBE is there too
MAYBE: Final = 2  # a name that content carries
POSITIVE: Final = 4
NEGATIVE: Final = 8
SHARE: Final = 16
RELATED: Final = 32
ADVERT: Final = 64
COMMENTS: Final = 128
AUTHOR: Final = 256
HIDDEN: Final = 512
BANNER: Final = 1_024  # cookie, consent, newsletter, paywall, popup
AVATAR: Final = 2_048
ICON: Final = 4_096
CAPTION: Final = 8_192
META: Final = 16_384  # date, tags, categories of an article
NAV: Final = 32_768
FOOTER: Final = 65_536
TEASER: Final = 131_072
NAV_BOX: Final = 262_144  # links to the other articles of a series, at the foot of one
AUTHOR_BOX: Final = 524_288  # who wrote the article, in a box of its own
AD_BOX: Final = 1_048_576  # a place for adverts
LINE_NUMBERS: Final = 2_097_152  # of a listing

_VOCABULARY: Final = {
    UNLIKELY: """
        ad banner breadcrumb combx comment community disqus extra footer gdpr header legends menu related remark replies
        rss shoutbox sidebar side-bar skyscraper social sponsor sponsored supplemental agegate pagination pager pop-up
        toolbar navbar navigation navi masthead foot bottom-bar top-bar colophon menu-bar sub-nav main-nav main-menu
        top-nav top-menu sub-menu dropdown offcanvas mega-menu skip-link comment-list comment-area respond""",
    MAYBE: "and",
    POSITIVE: """
        hentry page text txt richtext prose artikel beitrag inhalt contenu texte articulo contenido cuerpo noticia nota
        artigo conteudo texto materia articolo contenuto testo tresc artykul statya kontent""",
    NEGATIVE: """
        hidden hid banner combx comment com contact foot footer footnote gdpr masthead media meta outbrain taboola promo
        related scroll share shared sharing shoutbox sidebar skyscraper sponsor sponsored shopping tags tool widget ad
        advert kommentare comentarios commentaires kommentar werbung publicidad""",
    SHARE: """
        share sharing share-bar share-box share-this share-daddy sharedaddy share-tool share-link share-button social
        social-media social-share social-bar social-link add-this add-to-any a2a ssba teilen partager
        compartir condividi
        compartilhar ya-share like-button fb-like tweet-button shariff follow-us sns""",
    RELATED: """
        related related-post related-article related-story related-stories recommended recommendation recommend recirc
        recirculation read-more-post more-story more-stories more-from more-article more-news also-read read-also
        also-like you-may-like you-might-like yarpp outbrain taboola zergnet revcontent mgid trending popular most-read
        most-popular latest-news latest-post next-prev prev-next post-navigation post-nav nav-link up-next
        read-next similar weiterlesen verwandte mehr-zum-thema relacionada relacionado leia-mais leia-tambem
        a-lire correlati pohozhie jp-relatedposts""",
    TEASER: "teaser teasers promo promos widget card cards tile tiles",
    ADVERT: """
        ad advert advertisement advertising advertorial adsense adsbygoogle ad-slot ad-unit ad-box ad-container
        ad-wrapper ad-wrap ad-place ad-block ad-zone ad-banner dfp gpt-ad google-ad doubleclick sponsor sponsored
        sponsoring promotion promoted commercial werbung anzeige anzeigen reklama reklam reklame publicidad publicite
        pubblicita publicidade annons annonse annonce mpu leaderboard skyscraper affiliate""",
    COMMENTS: """
        comments commentlist comment-list comment-section comment-thread comment-area comment-form comment-box
        disqus disqus_thread respond livefyre responses replies reply-form reactions kommentare comentarios commentaires
        commenti kommentarer komentarze comment-respond fb-comments""",
    AUTHOR: """
        byline author author-box author-bio author-info about-author about-the-author author-card bio biography dateline
        writtenby writer contributor post-author p-author autor auteur autore redakteur verfasser vcard""",
    HIDDEN: """
        is-hidden d-none display-none invisible nodisplay no-display js-hidden sr-only screen-reader-text screenreader
        screen-reader visually-hidden a11y-hidden off-screen offscreen-text u-hidden element-invisible print-only
        d-print d-print-block visible-print only-print tooltip tooltiptext rollover hovercard hover-card""",
    BANNER: """
        cookie cookie-banner cookie-notice cookie-bar cookie-law cookie-consent cookie-policy gdpr ccpa
        consent newsletter
        subscribe subscribe-box signup sign-up mailchimp mc4wp mailing-list optin opt-in pop-up modal paywall regwall
        onetrust login-form toast snackbar app-banner download-app""",
    AVATAR: """
        avatar gravatar userpic profile-pic profile-picture profile-image user-image author-image
        author-photo author-img
        author-avatar author-thumb author-pic author-picture""",
    ICON: "icon ico emoji smiley smilies wp-smiley glyph glyphicon sprite bullet flag logo",
    CAPTION: """
        caption wp-caption-text figcaption image-caption img-caption photo-caption picture-caption
        bildunterschrift legende
        pie-de-foto legenda didascalia cutline imagecaption thumbcaption""",
    META: """
        tags tag-list taglist post-tags entry-tags tag-links categories cat-links post-categories entry-meta post-meta
        entry-footer post-footer article-meta article-tags meta-data postmeta postmetadata posted-on
        entry-date post-date
        edit-section editsection mw-editsection printfooter catlinks noprint no-print read-time reading-time
        rating star-rating vote print-link timestamp publish-date pub-date published-date article-date""",
    NAV: """
        nav navbar navigation navi menu menu-bar main-menu main-nav sub-menu sub-nav top-nav breadcrumb pagination pager
        skip-link skiplink offcanvas mega-menu page-numbers page-nav toc""",
    NAV_BOX: "nav-box navigation-box",
    AUTHOR_BOX: """
        author-box author-bio author-info about-author about-the-author author-card author-profile bio-box""",
    AD_BOX: """
        ad advert advertisement advertising adsense adsbygoogle ad-slot ad-unit ad-box ad-container ad-wrapper ad-wrap
        ad-place ad-block ad-zone ad-banner ad-space ad-area dfp gpt-ad google-ad doubleclick werbung reklama
        publicidad publicite pubblicita publicidade""",
    LINE_NUMBERS: """
        gutter lineno linenos line-no line-number linenumber linenr line-nr linenodiv ln-num ln-n blob-num""",
    FOOTER: """
        footer foot colophon copyright site-info legal siteinfo impressum site-footer page-footer imprint disclaimer""",
}
"""The words of each meaning. Without them the gold's tune half loses, in scrapinghub's F1 and the snippets: CAPTION
0.004 and 0, BANNER 0.003 and 0.014, NEGATIVE 0.003 and 0.010, HIDDEN 0.002 and 0, AUTHOR 0.002 and 0, UNLIKELY 0.002
and 0, FOOTER 0.001 and 0.005, POSITIVE 0.0003 and 0.010, META 0.0001 and 0.005; NAV 0.006 of the images placed; SHARE
0.0005 of the readability set. The others change none of its scores in mode `main`: they name what goes in mode
`recall`, or why."""
_PARTS: Final = {  # told apart even inside a compound: `articlebody`, `leftsidebar`
    UNLIKELY: """
        comment sidebar footer breadcrumb disqus pagination related sponsor popup masthead shoutbox skyscraper gdpr""",
    MAYBE: "article body column content main shadow mathjax",
    POSITIVE: "article body content entry main post blog story",
    NEGATIVE: "comment sidebar footer contact outbrain taboola promo related sponsor masthead shoutbox skyscraper gdpr",
}
"""Readability's words, which it looks for inside longer ones too (without them the gold's tune half loses 0.014 of
scrapinghub's F1 and 0.020 of the snippets)."""


def _table() -> dict[str, int]:
    """Each word and pair with its flags."""
    table: dict[str, int] = {}
    for flag, words in _VOCABULARY.items():
        for word in words.split():
            for spelling in {word, word.replace("-", "")}:
                for form in (spelling, spelling + "s"):
                    table[form] = table.get(form, 0) | flag
    return table


_TABLE: Final = _table()
_PART_FLAGS: Final = {
    part: sum(f for f, p in _PARTS.items() if part in p.split()) for p in _PARTS.values() for part in p.split()
}
_LAST_WORDS: Final = frozenset(name.rpartition("-")[2] for name in _TABLE if "-" in name)
"""Words with which a pair of the vocabulary ends: only for these is it worth putting words together."""
_CAMEL: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
"""Where a word begins in `camelCase`."""
_WORD: Final = re.compile(r"[a-z]+")


class _Words(dict[str, int]):
    """The flags of a word, its parts included; the names of a thousand sites are made of some 20,000 words. A full one
    begins again."""

    def __missing__(self, word: str) -> int:
        flags = _TABLE.get(word, 0)
        for part, meaning in _PART_FLAGS.items():
            if part in word:
                flags |= meaning
        if len(self) >= 20_000:
            self.clear()
        self[word] = flags
        return flags


_WORDS: Final = _Words()


@lru_cache(maxsize=50_000)
def judge_names(names: str) -> int:
    """The flags of this module that hold for a class or id attribute, remembered: the 257 pages of the gold have 12,000
    different ones, so the bound is the names of a thousand sites (10 MB)."""
    names = names[:400]
    if not names.islower():
        names = _CAMEL.sub("-", names).lower()
    flags = 0
    get = _TABLE.get
    before = earlier = ""
    for word in _WORD.findall(names):
        flags |= _WORDS[word]
        if before and word in _LAST_WORDS:
            pair = f"{before}-{word}"
            flags |= get(pair, 0) | get(f"{earlier}-{pair}", 0)
        before, earlier = word, before
    return flags


_SLUG: Final = 3
"""Hyphens from which an id is a heading made into an anchor (`sharing-with-a-single-developer`), and names nothing
(1 to 6 alike on the gold's tune half)."""


def names_in(raw: str) -> str:
    """Class and id of a serialised tag, one string."""
    names = raw.partition(' class="')[2].partition('"')[0]
    name = raw.partition(' id="')[2].partition('"')[0]
    return f"{names} {name}" if name and name.count("-") < _SLUG and name.count("_") < _SLUG else names


class _Remembered(dict[str, int]):
    """The answers of a function of a serialised tag: templates repeat their tags, within a page and over the pages of a
    site. Long tags are judged anew, so that the memory is bounded in bytes too (about 10 MB: 30,000 tags are those of
    500 sites, 257 pages of the gold have 15,000); a full one begins again."""

    def __init__(self, judge: Callable[[str], int]) -> None:
        self._judge = judge

    def __missing__(self, raw: str) -> int:
        flags = self._judge(raw)
        if len(raw) <= 256:
            if len(self) >= 30_000:
                self.clear()
            self[raw] = flags
        return flags


def cached_by_tag(judge: Callable[[str], int]) -> Callable[[str], int]:
    """The function with its answers remembered; the look-up itself, so that a tag that was met costs no call."""
    return _Remembered(judge).__getitem__


@cached_by_tag
def flags_of(raw: str) -> int:
    """The flags that hold for the class and id of a serialised tag."""
    return judge_names(names_in(raw)) if ' class="' in raw or ' id="' in raw else 0


@cached_by_tag
def class_weight(raw: str) -> int:
    """25 for names that content carries, -25 for names that furniture carries; class and id count apart."""
    weight = 0
    for name in ("class", "id"):
        start = raw.find(f' {name}="')
        if start >= 0:
            value = value_at(raw, start + len(name) + 3)
            if value and (name == "class" or value.count("-") < _SLUG):
                flags = judge_names(value)
                if flags & NEGATIVE:
                    weight -= 25
                if flags & POSITIVE:
                    weight += 25
    return weight
