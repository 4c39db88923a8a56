import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.report.safe_text import json_for_script, visible, web_address


def test_controls_that_turn_the_order_of_a_text_are_made_visible():
    assert visible("evil\u202egpj.exe") == "evil[U+202E]gpj.exe"
    assert visible("a\u2066b\x00c\u200bd") == "a[U+2066]b[U+0000]c[U+200B]d"


def test_line_breaks_are_spaces_and_what_scripts_need_stays():
    assert visible("a\nb\tc") == "a b c"
    persian = "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645"
    assert visible(persian) == persian


def test_long_texts_are_cut_and_none_is_empty():
    assert visible("abcdef", 3) == "abc…"
    assert visible("abc", 3) == "abc"
    assert visible(None) == ""


@pytest.mark.parametrize("url", ["http://a.example/x", "https://a.example:8080/?q=1#f", "HTTPS://a.example/"])
def test_web_addresses_may_be_followed(url):
    assert web_address(url) == url


@pytest.mark.parametrize(
    "url",
    [
        *("javascript:alert(1)", "JaVaScRiPt:alert(1)", "\x01javascript:alert(1)", "java\nscript:alert(1)"),
        *("data:text/html,<script>1</script>", "vbscript:x", "file:///etc/passwd", "//a.example/x", "/x", ""),
        *("http://", "http:///x", "https://good.example@evil.example/", "http://a.example/\u202ex", "http://[::1/"),
        *(None, "http://a.example/a b", "http://a.example/" + "x" * 2_000),
    ],
)
def test_nothing_else_is_an_address(url):
    assert web_address(url) is None


@given(st.text())
def test_json_in_a_script_ends_no_element_and_reads_the_same(text):
    said = json_for_script(json.dumps(text, ensure_ascii=False))
    assert not set(said) & set("<>&\u2028\u2029")
    assert json.loads(said) == text
