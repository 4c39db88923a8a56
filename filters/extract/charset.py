"""Which character encoding a page is in, decided as a browser does, and how much of the text looks wrongly decoded.

Order: byte order mark, HTTP header, `<meta>`, and where nobody says, UTF-8 if the bytes are valid UTF-8, else
detection. Labels are those of the WHATWG Encoding standard (`latin1` means windows-1252, `gb2312` means gb18030).
"""

from __future__ import annotations

import codecs
import re
from typing import Final

from filters.extract.detect_charset import detect_charset

_META_WINDOW: Final = 4_096
"""Bytes searched for a declaration. Browsers stop at 1,024; 4,096 finds those after a long comment or script."""

_META_TAG: Final = re.compile(rb"<meta[\s/][^>]*>", re.I)
_META_CHARSET: Final = re.compile(rb"charset\s*=\s*[\"']?\s*([a-zA-Z0-9_:.\-]+)", re.I)
_XML_ENCODING: Final = re.compile(rb"^\s*<\?xml[^>]*encoding\s*=\s*[\"']([a-zA-Z0-9_:.\-]+)", re.I)
_COMMENT: Final = re.compile(rb"<!--.*?-->", re.S)

_LABELS: Final = {
    "cp1252": "ascii us-ascii iso-8859-1 iso8859-1 iso88591 iso_8859-1 latin1 latin-1 l1 windows-1252 cp1252 x-cp1252 "
    "ansi_x3.4-1968",
    "gb18030": "gb2312 gb_2312 gb_2312-80 gbk gb18030 x-gbk chinese csgb2312 cp936 iso-ir-58",
    "big5hkscs": "big5 big5-hkscs cn-big5 csbig5 x-x-big5 big5hkscs",
    "cp932": "shift_jis shift-jis sjis x-sjis ms_kanji windows-31j ms932 csshiftjis cp932 shiftjis",
    "cp949": "euc-kr euckr ks_c_5601-1987 ks_c_5601-1989 ksc5601 ksc_5601 korean windows-949 cseuckr cp949",
    "euc_jp": "euc-jp eucjp x-euc-jp cseucpkdfmtjapanese",
    "cp874": "tis-620 iso-8859-11 windows-874 dos-874 iso8859-11",
    "cp1254": "iso-8859-9 iso8859-9 latin5 l5 windows-1254 cp1254 x-cp1254",
    "utf-8": "utf-8 utf8 unicode-1-1-utf-8 x-unicode20utf8 unicode11utf8 unicode20utf8 "
    "utf-16 utf-16le utf-16be unicode ucs-2 iso-10646-ucs-2",  # a page that can be read as ASCII is not UTF-16
    "koi8_r": "koi8-r koi8 koi koi8_r cskoi8r",
    "koi8_u": "koi8-u koi8-ru",
    "mac_roman": "macintosh mac x-mac-roman csmacintosh",
    "mac_cyrillic": "x-mac-cyrillic x-mac-ukrainian",
    "iso8859_8": "iso-8859-8 iso8859-8 iso-8859-8-i iso-8859-8-e csiso88598i csiso88598e logical visual hebrew",
}
_CODECS: Final = {label: codec for codec, labels in _LABELS.items() for label in labels.split()}

_UTF16: Final = {
    "utf-16": "utf-16-le", "utf-16le": "utf-16-le", "utf-16be": "utf-16-be", "unicode": "utf-16-le",
    "ucs-2": "utf-16-le", "iso-10646-ucs-2": "utf-16-le",
}  # fmt: skip
_WITH_ROW_13: Final = {"euc_jp": "euc_jis_2004", "iso2022_jp": "iso2022_jp_2004"}
"""Python's codecs that lack the circled numbers and units of row 13, which browsers read, and those that have them."""
_HIGH: Final = bytes(range(128, 256))

_NO_ENCODINGS: Final = (
    "utf-7",
    "utf-32",
    "idna",
    "punycode",
    "unicode-escape",
    "raw-unicode-escape",
    "undefined",
    "mbcs",
    "oem",
)
"""Codecs of Python that no browser reads a page with."""

_DAMAGED: Final = 10
"""Undecodable stretches from which a page whose `<meta>` says UTF-8 is not believed, if they outnumber the characters
beyond ASCII that it holds: damage spares most of a page, and in another encoding nearly nothing is valid UTF-8. Where
nobody says anything, as many valid characters to each bad one make a page UTF-8."""

_SURE_UTF8: Final = 40
"""Bytes beyond one for each character, in all: about 20 to 40 characters beyond ASCII."""

_MOJIBAKE: Final = re.compile(
    "\ufffd|[\u00c3\u00c2\u00d0\u00d1\u00e2][\u0080-\u00bf\u0152-\u0178\u2013-\u2122\u20ac]+|\u00ef\u00bf\u00bd|\u951f\u65a4\u62f7|[\u0080-\u009f]"
)
"""What UTF-8 looks like when it is read as windows-1252, windows-1251 or GBK, and characters that no page means."""

_LEADS: Final = "\ufffd\u00c3\u00c2\u00d0\u00d1\u00e2\u00ef\u951f" + "".join(map(chr, range(0x80, 0xA0)))
"""A character of each pattern above: without one there is nothing to look for."""


def codec_of(label: str | None) -> str | None:
    """The Python codec for a label as pages write it, or None where nobody knows the label."""
    if not label:
        return None
    key = label.strip().strip("\"'").lower()
    found = _CODECS.get(key)
    if found is None:
        try:
            info = codecs.lookup(key)
        except (LookupError, ValueError):
            return None
        name = info.name.replace("_", "-")
        if not info._is_text_encoding or name.startswith(_NO_ENCODINGS):
            return None
        found = info.name
    return found


def declared_charset(html: bytes) -> str | None:
    """The codec that the page itself declares in a `<meta>` or an XML declaration, or None."""
    head = html[:_META_WINDOW]
    if b"charset" in head or b"CHARSET" in head or b"Charset" in head:
        if b"<!--" in head:
            head = _COMMENT.sub(b"", head)
        for tag in _META_TAG.finditer(head):
            found = _META_CHARSET.search(tag.group())
            if found and (codec := codec_of(found.group(1).decode("ascii"))):
                return codec
    found = _XML_ENCODING.match(head)
    return codec_of(found.group(1).decode("ascii")) if found else None


def decode(html: bytes, http_charset: str | None = None) -> tuple[str, str]:
    """The page's text and the codec it was read with; never raises.

    Undecodable bytes become U+FFFD, as in a browser.
    """
    markup, codec = to_utf8(html, http_charset)
    return markup.decode("utf-8", "replace"), codec


def to_utf8(html: bytes, http_charset: str | None = None) -> tuple[bytes, str]:
    """The page as UTF-8 and the codec it was read with; the bytes themselves where they are UTF-8 already."""
    if html.startswith(codecs.BOM_UTF8):
        return _recoded(html[3:], "utf-8"), "utf-8"
    if html.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return _recoded(html, "utf-16"), "utf-16"
    told = _http_codec(http_charset, html)
    codec = told or declared_charset(html)
    if codec is None or codec == "utf-8":
        if _valid_utf8(html) and (codec or not _switches_to_japanese(html)):
            return html, "utf-8"
        if told or (not html.isascii() and _only_damaged(html, declared=codec is not None)):
            return _recoded(html, "utf-8"), "utf-8"
        codec = codec_of(detect_charset(html)) or "cp1252"
    elif _surely_utf8(html):
        return html, "utf-8"
    if codec in _WITH_ROW_13 and not _decodes(html, codec):
        codec = _WITH_ROW_13[codec]
    try:
        return _recoded(html, codec), codec
    except (LookupError, ValueError):  # a codec that this Python lacks, or that cannot replace
        return _recoded(html, "utf-8"), "utf-8"


def _http_codec(label: str | None, html: bytes) -> str | None:
    """The codec of the HTTP header; there, unlike in a `<meta>`, UTF-16 is believed, of a page that can be in it."""
    if label and b"\0" in html[:_META_WINDOW]:
        return _UTF16.get(label.strip().strip("\"'").lower()) or codec_of(label)
    return codec_of(label)


def _decodes(html: bytes, codec: str) -> bool:
    try:
        html.decode(codec)
    except UnicodeDecodeError:
        return False
    return True


def _valid_utf8(html: bytes) -> bool:
    return html.isascii() or _decodes(html, "utf-8")


def _switches_to_japanese(html: bytes) -> bool:
    """Whether ASCII bytes hold the escape sequence with which ISO-2022-JP begins a stretch of Japanese."""
    return b"\x1b$" in html and html.isascii()


def _only_damaged(html: bytes, *, declared: bool) -> bool:
    """Whether bytes that are not UTF-8 are a UTF-8 page with damage, rather than a page in another encoding."""
    text = html.decode("utf-8", "replace")
    bad = text.count("\ufffd")
    good = len(text) - len(html.translate(None, _HIGH)) - bad
    return (bad < _DAMAGED or bad <= good) if declared else bad * _DAMAGED <= good


def _recoded(html: bytes, codec: str) -> bytes:
    return html.decode(codec, "replace").encode("utf-8", "replace")


def _surely_utf8(html: bytes) -> bool:
    """Whether a page that calls itself something else is valid UTF-8 with many characters beyond ASCII.

    Here we do not do as a browser does: text in another encoding is valid UTF-8 by chance with a
    probability below one in a million from 20 characters on, and a wrong header or template is common.
    """
    if html.isascii():
        return False
    try:
        text = html.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return len(html) - len(text) >= _SURE_UTF8


def mojibake_share(text: str) -> float:
    """Share of the characters that look like another encoding's bytes: U+FFFD, `Ã©` for `é`, C1 controls; 0 to 1."""
    if text.isascii() or not any(lead in text for lead in _LEADS):
        return 0.0
    return round(min(1.0, sum(len(found) for found in _MOJIBAKE.findall(text)) / len(text)), 6)
