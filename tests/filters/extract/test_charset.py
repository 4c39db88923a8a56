"""Character encodings, as a browser decides them."""

from __future__ import annotations

import codecs

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filters.extract.charset import codec_of, declared_charset, decode, mojibake_share, to_utf8

RUSSIAN = "Пекарня на углу открывается в пять часов утра, когда улица ещё темна. "
GERMAN = "Die Bäckerei öffnet früh, und draußen wärmt die Öfen niemand außer Jörg. "


def test_the_order_is_mark_then_header_then_meta() -> None:
    meta = b'<meta charset="koi8-r">'
    assert decode(codecs.BOM_UTF8 + meta + RUSSIAN.encode(), "windows-1251") == (meta.decode() + RUSSIAN, "utf-8")
    assert decode(meta + RUSSIAN.encode("cp1251"), "windows-1251")[1] == "cp1251"
    assert decode(meta + RUSSIAN.encode("koi8-r")) == (meta.decode() + RUSSIAN, "koi8_r")
    assert decode(codecs.BOM_UTF16_LE + "<p>a".encode("utf-16-le")) == ("<p>a", "utf-16")


@pytest.mark.parametrize(
    ("label", "codec"),
    [("latin1", "cp1252"), ("ISO-8859-1", "cp1252"), ("gb2312", "gb18030"), ("Shift_JIS", "cp932"),
     ("ks_c_5601-1987", "cp949"),
     ("big5", "big5hkscs"), ("utf8", "utf-8"), ("utf-16", "utf-8"), (" 'UTF-8' ", "utf-8"), ("iso-8859-9", "cp1254")],
)  # fmt: skip
def test_labels_mean_what_browsers_take_them_for(label: str, codec: str) -> None:
    assert codec_of(label) == codec


@pytest.mark.parametrize("label", ["", None, "none", "base64", "utf-7", "hex", "\x00", "rot13", "unicode_escape"])
def test_labels_of_no_text_encoding_are_not_believed(label: str | None) -> None:
    assert codec_of(label) is None


def test_a_declaration_in_a_comment_does_not_count() -> None:
    assert declared_charset(b'<!-- <meta charset="koi8-r"> --><META CHARSET=windows-1251>') == "cp1251"
    assert declared_charset(b'<?xml version="1.0" encoding="euc-jp"?>') == "euc_jp"
    assert declared_charset(b'<meta http-equiv="Content-Type" content="text/html; charset=big5">') == "big5hkscs"
    assert declared_charset(b"<p>charset=big5</p>") is None


@pytest.mark.parametrize(("text", "codec"), [(RUSSIAN, "cp1251"), (RUSSIAN, "koi8_r"), (GERMAN, "cp1252")])
def test_a_page_that_says_nothing_is_detected(text: str, codec: str) -> None:
    assert decode(b"<html><body><p>" + (text * 5).encode(codec))[0].endswith(text * 5)


def test_a_page_that_is_surely_utf8_is_read_as_such_whatever_it_says() -> None:
    assert decode(b'<meta charset="gb2312">' + RUSSIAN.encode()) == ('<meta charset="gb2312">' + RUSSIAN, "utf-8")
    assert decode("é".encode(), "latin1") == ("Ã©", "cp1252")


def test_one_broken_character_does_not_cost_a_utf8_page_its_encoding() -> None:
    text, codec = decode(b'<meta charset="utf-8">' + RUSSIAN.encode() * 10 + b"\xd0")
    assert codec == "utf-8"
    assert text.endswith("\ufffd")


def test_mojibake_is_measured() -> None:
    assert mojibake_share("Bäckerei, früh, naïve, São Paulo, l’été, Пекарня, 面包店") == 0.0
    assert mojibake_share("") == 0.0
    assert mojibake_share(GERMAN.encode().decode("cp1252")) > 0.05
    assert mojibake_share("a\ufffd") == 0.5


@given(st.binary(max_size=300), st.sampled_from([None, "latin1", "gbk", "utf-8", "nonsense", "shift_jis"]))
def test_any_bytes_become_utf8(html: bytes, charset: str | None) -> None:
    markup, _ = to_utf8(html, charset)
    markup.decode("utf-8")
