"""Twelve invented web sites, two in each language, and the furniture that each puts around its content."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from html import escape

from demo.dice import Dice
from demo.page import Picture
from demo.pictures.chrome import PIXEL, avatar, banner, icon, logo, thumbnail
from demo.prose import Prose
from demo.words.vocabulary import fill

CDN = "http://cdn.weft.example"
ADS = "http://ads.weft.example"
TRACKER = "http://stats.weft.example"


@dataclass(frozen=True, slots=True)
class Site:
    """A site. `images`: where its pictures live (cdn, or own: on the site itself, addressed without host)."""

    host: str
    language: str
    name: str
    style: int
    colour: str
    images: str
    banner: str

    @property
    def root(self) -> str:
        """The site's address; plain HTTP where its pictures have no address of their own."""
        return f"{'http' if self.images == 'own' else 'https'}://{self.host}"

    @property
    def picture_root(self) -> str:
        """Where the site keeps its pictures."""
        return f"{self.root}/media" if self.images == "own" else f"{CDN}/{self.host.removeprefix('www.').split('.')[0]}"


SITES = (
    Site("www.print-notes.weft.example", "en", "Print Notes", 0, "blue", "cdn", "INK AND PAPER SALE"),
    Site("riverside-press.weft.example", "en", "Riverside Press", 1, "green", "own", "LEARN TO PRINT"),
    Site("www.tinta-y-papel.weft.example", "es", "Tinta y Papel", 2, "red", "cdn", "CURSOS DE GRABADO"),
    Site("el-taller.weft.example", "es", "El Taller", 0, "orange", "own", "REBAJAS DE PAPEL"),
    Site("www.encre-et-bois.weft.example", "fr", "Encre et Bois", 1, "purple", "cdn", "STAGE DE GRAVURE"),
    Site("atelier-du-quai.weft.example", "fr", "Atelier du Quai", 3, "turquoise", "own", "PAPIER A MOITIE PRIX"),
    Site("www.farbe-und-papier.weft.example", "de", "Farbe und Papier", 2, "brown", "cdn", "JETZT DRUCKEN LERNEN"),
    Site("druckwerkstatt.weft.example", "de", "Druckwerkstatt", 0, "grey", "own", "PAPIER IM ANGEBOT"),
    Site("www.kraski.weft.example", "ru", "Kraski", 1, "pink", "cdn", "KRASKI I BUMAGA"),
    Site("masterskaya.weft.example", "ru", "Masterskaya", 3, "blue", "own", "SKIDKI 20%"),
    Site("www.mose.weft.example", "zh", "Mo Se", 0, "black", "cdn", "MO SE - SALE 50%"),
    Site("banhua.weft.example", "zh", "Banhua", 2, "red", "own", "BANHUA CLUB"),
)


@dataclass(slots=True)
class Furniture:
    """What stands around the content: its pictures, and its texts (both must not be in a document)."""

    images: dict[str, Picture] = field(default_factory=dict)
    texts: list[str] = field(default_factory=list)

    def image(self, url: str, picture: Picture) -> str:
        """Note a picture and give its address."""
        self.images[url] = picture
        return escape(url)

    def text(self, text: str) -> str:
        """Note a text and give it for HTML."""
        self.texts.append(text)
        return escape(text)


def wrap(site: Site, prose: Prose, title: str, main: str, head: str, dice: Dice) -> tuple[str, Furniture]:
    """The whole page as HTML around `main`, and its furniture; `head` goes into the head element."""
    furniture = Furniture()
    parts = _Parts(site, prose, dice, furniture)
    body = _STYLES[site.style](parts, main)
    language = "zh-CN" if site.language == "zh" else site.language
    html = (
        f'<!DOCTYPE html>\n<html lang="{language}">\n<head>\n{head}'
        f"<title>{escape(title)} - {escape(site.name)}</title>\n"
        f'<link rel="stylesheet" href="/style.css"><script>window.dataLayer=[];function gtag(){{}}</script>\n'
        f"</head>\n<body>\n{body}\n</body>\n</html>\n"
    )
    return html, furniture


class _Parts:
    """The blocks of furniture of one page of a site."""

    def __init__(self, site: Site, prose: Prose, dice: Dice, furniture: Furniture) -> None:
        self.site, self.prose, self.dice, self.f = site, prose, dice, furniture
        self.static = f"http://{site.host}/static" if site.images == "own" else f"{CDN}/static/{site.host}"

    def say(self, key: str) -> str:
        return self.f.text(self.prose.said(self.prose.words.one("chrome", key)))

    def logo(self) -> str:
        src = self.f.image(f"{self.static}/logo.png", logo(self.site.name, self.site.colour))
        return f'<a class="logo" href="/"><img src="{src}" alt="{escape(self.site.name)}"></a>'

    def nav(self) -> str:
        links = []
        for key, noun in (("home", "house"), ("archive", "square"), ("about", "heart"), ("contact", "arrow")):
            src = self.f.image(f"{self.static}/icon-{noun}.png", icon(noun, self.site.colour, 24))
            mark = f'<img src="{src}" alt="" width="24" height="24">'
            links.append(f'<li><a href="/{key}">{mark}{self.say(key)}</a></li>')
        return f'<nav class="menu"><ul>{"".join(links)}</ul></nav>'

    def cookies(self) -> str:
        return (f'<div id="cookie-banner" class="cookie-consent" role="dialog"><p>{self.say("cookies")}</p>'
                f'<button>{self.say("accept")}</button></div>')  # fmt: skip

    def advert(self) -> str:
        src = self.f.image(f"{ADS}/banner/{self.site.colour}-728x90.jpg", banner(self.site.banner, self.site.colour))
        picture = f'<img src="{src}" width="728" height="90" alt="{escape(self.site.banner)}">'
        link = f'<a href="{ADS}/click?id=7" rel="nofollow">{picture}</a>'
        return f'<div class="ad advertisement"><span>{self.say("advert")}</span>{link}</div>'

    def share(self) -> str:
        out = []
        for noun, name in (("circle", "facebook"), ("diamond", "twitter"), ("star", "pinterest")):
            src = self.f.image(f"{self.static}/share-{name}.png", icon(noun, "blue", 32))
            mark = f'<img src="{src}" alt="{name}" width="32" height="32">'
            out.append(f'<a href="https://{name}.weft.example/share">{mark}</a>')
        return f'<div class="social-share"><span>{self.say("share")}</span>{"".join(out)}</div>'

    def newsletter(self) -> str:
        return (f'<form class="newsletter" action="/subscribe"><p>{self.say("newsletter")}</p><input type="email">'
                f'<button>{self.say("subscribe")}</button></form>')  # fmt: skip

    def related(self) -> str:
        out = []
        for i, title in enumerate(self.dice.some(self.prose.words.lines["titles"], 3)):
            noun = ("boat", "tree", "apple")[i]
            src = self.f.image(f"{self.static}/thumb-{noun}.jpg", thumbnail(noun, self.site.host, 160))
            text = self.f.text(fill_related(self.prose, title, i))
            out.append(f'<li><a href="/archive/{self.dice.below(900)}"><img src="{src}" width="160" height="160" '
                       f'alt=""><h4>{text}</h4></a></li>')  # fmt: skip
        return f'<aside class="related-posts"><h3>{self.say("related")}</h3><ul>{"".join(out)}</ul></aside>'

    def author(self) -> str:
        name = self.prose.fixed["woman"]
        src = self.f.image(f"{self.static}/avatar-{self.dice.below(3)}.jpg", avatar(self.site.host + "author"))
        return (f'<div class="author-box"><img class="avatar" src="{src}" width="80" height="80" alt="{escape(name)}">'
                f'<h4>{self.say("author")}</h4><p>{self.say("bio")}</p></div>')  # fmt: skip

    def comments(self) -> str:
        out = []
        for text in self.dice.some(self.prose.words.lines["comments"], self.dice.between(1, 4)):
            who = self.dice.below(8)
            src = self.f.image(f"{self.static}/user-{who}.jpg", avatar(f"user{who}", 48))
            out.append(f'<li class="comment"><img class="avatar" src="{src}" width="48" height="48" alt=""><p>'
                       f"{self.f.text(text)}</p></li>")  # fmt: skip
        head = f"<h3>{self.say('comments')}</h3>"
        return f'<section id="comments" class="comments">{head}<ol>{"".join(out)}</ol></section>'

    def footer(self) -> str:
        badge = self.f.image(f"{self.static}/badge.png", icon("hexagon", self.site.colour, 64))
        pixel = self.f.image(f"{TRACKER}/p.gif?site={self.site.host.removeprefix('www.').split('.')[0]}", PIXEL)
        return (f'<footer><p>© 2024 {escape(self.site.name)}. {self.say("rights")}</p><img src="{badge}" width="64" '
                f'height="64" alt=""><img src="{pixel}" width="1" height="1" alt=""></footer>')  # fmt: skip

    def archive(self) -> str:
        months = self.prose.words.row("months")
        links = "".join(f'<li><a href="/2024/{i + 1:02}">{months[i]} 2024</a></li>' for i in range(8))
        return f'<div class="widget widget_archive"><h3>{self.say("archive")}</h3><ul>{links}</ul></div>'

    def search(self) -> str:
        return f'<form role="search" class="search-form"><label>{self.say("search")}<input name="s"></label></form>'


def fill_related(prose: Prose, title: str, number: int) -> str:
    """The title of another page: with other names than this page's."""
    words = prose.words
    values = {"town": words.row("towns")[number], "woman": words.row("women")[number], "man": words.row("men")[number]}
    return fill(title, values)


def _blog(p: _Parts, main: str) -> str:
    return (
        f'{p.cookies()}<header id="masthead" class="site-header">{p.logo()}{p.nav()}</header>\n{p.advert()}\n'
        f'<main id="content"><article class="post hentry">\n<div class="entry-content">\n{main}\n</div>\n{p.share()}'
        f"{p.author()}</article>\n{p.related()}\n{p.comments()}</main>\n"
        f'<aside id="secondary" class="sidebar">{p.search()}{p.archive()}{p.newsletter()}</aside>\n{p.footer()}'
    )


def _magazine(p: _Parts, main: str) -> str:
    return (
        f'<a class="skip-link" href="#main">{p.say("skip")}</a><div class="top-bar">{p.logo()}{p.search()}</div>\n'
        f'{p.nav()}\n<div class="container"><div class="row"><div class="col-8" id="main" role="main">\n{main}\n'
        f"{p.share()}</div>\n"
        f'<div class="col-4 sidebar">{p.related()}{p.advert()}{p.newsletter()}</div></div></div>\n'
        f"{p.comments()}{p.footer()}{p.cookies()}"
    )


def _tables(p: _Parts, main: str) -> str:
    return (
        f'<table width="100%" border="0"><tr><td colspan="2">{p.logo()}{p.advert()}</td></tr>\n<tr valign="top">'
        f'<td width="180" bgcolor="#eeeeee">{p.nav()}{p.archive()}</td>\n<td id="content">\n{main}\n</td></tr>\n'
        f'<tr><td colspan="2">{p.share()}{p.footer()}</td></tr></table>'
    )


def _boxes(p: _Parts, main: str) -> str:
    return (
        f'<div class="wrap"><div class="hd">{p.logo()}{p.nav()}</div><div class="bd"><div class="bd-i"><div class="mn">'
        f'<div class="c-1">\n{main}\n</div>{p.share()}</div><div class="sd">{p.newsletter()}{p.related()}</div></div>'
        f'</div>{p.comments()}<div class="ft">{p.footer()}</div></div>{p.cookies()}'
    )


_STYLES: tuple[Callable[[_Parts, str], str], ...] = (_blog, _magazine, _tables, _boxes)
