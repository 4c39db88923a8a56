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
     ("big5", "big5hkscs"), ("utf8", "utf-8"), ("utf-16", "utf-8"), (" 'UTF-8' ", "utf-8"), ("iso-8859-9", "cp1254"),
     ("x-mac-cyrillic", "mac_cyrillic"), ("iso-8859-8-i", "iso8859_8"), ("ISO-8859-8-E", "iso8859_8")],
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


ENGLISH = "The bakery\u2019s oven was built in 1931 \u2014 and it still works, says the owner, who is 70 years old. "


@pytest.mark.parametrize("times", [1, 3, 30])
def test_damage_does_not_cost_a_page_of_few_characters_beyond_ascii_its_encoding(times: int) -> None:
    html = (ENGLISH * times).encode() + b"<p>caf\xc3</p>"
    assert decode(b"<meta charset=utf-8>" + html)[1] == "utf-8"
    assert decode(html, "utf-8")[0] == ENGLISH * times + "<p>caf\ufffd</p>"


def test_a_meta_that_says_utf8_is_believed_up_to_ten_bad_characters_if_they_outnumber_the_good() -> None:
    head = b"<meta charset=utf-8>" + "\u2019".encode()
    assert decode(head + b"<p>\xe9 " * 9)[1] == "utf-8"
    assert decode(head + b"<p>\xe9 " * 10)[1] != "utf-8"
    assert decode(b"<meta charset=utf-8>" + ("\u2019".encode() + b"\xe9 ") * 10)[1] == "utf-8"
    assert decode(b"<p>" + RUSSIAN.encode("cp1251"), "utf-8")[1] == "utf-8"


def test_an_undeclared_utf8_page_that_is_cut_is_utf8() -> None:
    assert decode(RUSSIAN.encode() + b"\xd0") == (RUSSIAN + "\ufffd", "utf-8")
    assert decode("\u2019\u2014".encode() + b" na\xefve ")[1] != "utf-8"


JAPANESE = "日本語の文章です。新しいパン屋が朝五時に開店し、客が並んで待っている。窯は昭和六年に作られた。"
CHINESE = "这是一段中文文字。街角的面包店早上五点开门，顾客在门口排队等候。"


@pytest.mark.parametrize(
    ("text", "codec"),
    [(JAPANESE, "cp932"), (JAPANESE, "euc_jp"), (CHINESE, "gb18030"), (RUSSIAN, "cp1251"), (RUSSIAN, "koi8_r")],
)
@pytest.mark.parametrize("before", ["", "<script>" + "var x = 1;" * 3_000 + "</script>"])
def test_a_long_page_that_says_nothing_is_detected_wherever_its_text_begins(text: str, codec: str, before: str) -> None:
    html = before + f"<p>{text}</p>\n" * 600
    assert decode(html.encode(codec)) == (html, codec)


@pytest.mark.parametrize(
    "text",
    ["La boulangerie du coin ouvre à cinq heures du matin, quand la rue est déjà éveillée, l\u2019été c\u2019est gai. ",
     "El niño comió piñas en la mañana, según contó su tía; ¿quién lo diría? Así pasó el año. "],
)  # fmt: skip
def test_western_text_is_read_as_browsers_guess(text: str) -> None:
    assert decode(f"<p>{text}</p>".encode("cp1252")) == (f"<p>{text}</p>", "cp1252")


def test_utf16_is_believed_of_the_http_header_and_of_a_page_that_can_be_in_it() -> None:
    page = f"<p>{RUSSIAN}</p>"
    assert decode(page.encode("utf-16-le"), "UTF-16LE") == (page, "utf-16-le")
    assert decode(page.encode("utf-16-be"), "utf-16be") == (page, "utf-16-be")
    assert decode(page.encode("utf-16-le"), "utf-16") == (page, "utf-16-le")
    assert decode(page.encode(), "utf-16") == (page, "utf-8")


@pytest.mark.parametrize(("codec", "label"), [("euc_jis_2004", "euc-jp"), ("iso2022_jp_2004", "iso-2022-jp")])
def test_japanese_circled_numbers_are_read(codec: str, label: str) -> None:
    page = f"<meta charset={label}><p>{JAPANESE}①②"
    assert decode(page.encode(codec))[0] == page
    assert codec_of(label) != codec


def test_japanese_in_escape_sequences_is_read_though_nobody_declares_it() -> None:
    page = f"<p>{JAPANESE}</p>"
    assert decode(page.encode("iso2022_jp")) == (page, "iso2022_jp")


def test_mojibake_is_measured() -> None:
    assert mojibake_share("Bäckerei, früh, naïve, São Paulo, l’été, Пекарня, 面包店") == 0.0
    assert mojibake_share("") == 0.0
    assert mojibake_share(GERMAN.encode().decode("cp1252")) > 0.05
    assert mojibake_share("a\ufffd") == 0.5


@given(st.binary(max_size=300), st.sampled_from([None, "latin1", "gbk", "utf-8", "nonsense", "shift_jis"]))
def test_any_bytes_become_utf8(html: bytes, charset: str | None) -> None:
    markup, _ = to_utf8(html, charset)
    markup.decode("utf-8")


def test_a_declaration_too_far_down_for_a_browser_is_believed_where_the_bytes_agree():
    far = b"<script>" + b"x = 1;" * 1_500 + b"</script>"
    assert to_utf8(far + b"<meta charset=iso-8859-7><p>" + "Αθήνα".encode("cp1253"))[1] == "iso8859-7"
    damaged = far + b"<meta charset=shift_jis><p>" + "Журнал о чае и хлебе. ".encode("cp1251") * 40
    assert to_utf8(damaged)[1] == "cp1251"
