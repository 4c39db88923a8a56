import pytest
from hypothesis import given
from hypothesis import strategies as st

from filters.image_urls import URL_RULE_SETS, UrlRules, judge, words
from schemas.errors import ConfigError
from schemas.reasons import UrlReason

RULES = UrlRules(blocked_hosts=("bad.example",))


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("https://a.example/photo.jpg", None),
        ("http://a.example/image?id=1", None),
        ("data:image/png;base64,AAAA", None),
        ("ftp://a.example/photo.jpg", UrlReason.SCHEME),
        ("javascript:alert(1)", UrlReason.SCHEME),
        ("//a.example/photo.jpg", UrlReason.SCHEME),
        ("https:///photo.jpg", UrlReason.SCHEME),
        ("https://a.example:port/photo.jpg", UrlReason.SCHEME),
        ("https://a.example/two words.jpg", UrlReason.SCHEME),
        ("https://a.example/logo.png", UrlReason.BANNED_WORD),
        ("https://a.example/img/site-logo_2.png", UrlReason.BANNED_WORD),
        ("https://a.example/siteLogo.png", UrlReason.BANNED_WORD),
        ("https://a.example/ICON/1.png", UrlReason.BANNED_WORD),
        ("https://a.example/icons/mail.png", UrlReason.BANNED_WORD),
        ("https://a.example/%6Cogo.png", UrlReason.BANNED_WORD),
        ("https://a.example/monologue/catalogos.jpg", None),
        ("https://a.example/iconic-view.jpg", None),
        ("https://essex.example/sussex.jpg", None),
        ("https://logo.example/photo.jpg", None),
        ("https://sex.example/photo.jpg", UrlReason.BANNED_WORD),
        ("https://a.example/photo.jpg?from=logo", None),
        ("https://a.example/plot.svg", UrlReason.EXTENSION),
        ("https://a.example/favicon.ICO", UrlReason.EXTENSION),
        ("https://a.example/plot.svg.png", None),
        ("https://bad.example/photo.jpg", UrlReason.BLOCKED),
        ("https://www.bad.example/photo.jpg", UrlReason.BLOCKED),
        ("https://notbad.example/photo.jpg", None),
    ],
)
def test_urls_are_judged_by_whole_words(url, reason):
    assert judge(url, RULES) is reason


def test_the_length_limits_are_inclusive():
    rules = UrlRules(max_length=30, max_data_length=40)
    at = "https://a.example/" + "x" * 12
    assert judge(at, rules) is None
    assert judge(at + "x", rules) is UrlReason.TOO_LONG
    data = "data:image/png;base64," + "A" * 18
    assert judge(data, rules) is None
    assert judge(data + "A", rules) is UrlReason.TOO_LONG


def test_a_list_of_allowed_endings_drops_all_others():
    rules = URL_RULE_SETS["mmc4"]
    assert judge("https://a.example/p.JPG", rules) is None
    assert judge("https://a.example/p.webp", rules) is UrlReason.EXTENSION
    assert judge("https://a.example/p", rules) is UrlReason.EXTENSION


def test_named_sets_differ_as_the_papers_do():
    assert judge("https://a.example/avatar.png", URL_RULE_SETS["mint1t"]) is UrlReason.BANNED_WORD
    assert judge("https://a.example/avatar.png", URL_RULE_SETS["obelics"]) is None
    assert judge("https://a.example/button.png", URL_RULE_SETS["mint1t"]) is None
    assert judge("https://a.example/logo.png", URL_RULE_SETS["m3w"]) is None


def test_words_are_split_at_everything_that_is_no_letter():
    assert words("/siteLogos/big_icon2.png") == {"site", "logos", "big", "icon", "png"}


@pytest.mark.parametrize(
    "bad",
    [
        {"schemes": ()},
        {"schemes": ("gopher",)},
        {"max_length": 0},
        {"banned_words": ("two words",)},
        {"banned_host_words": ("Upper",)},
    ],
)
def test_rules_that_make_no_sense_are_refused(bad):
    with pytest.raises(ConfigError):
        UrlRules(**bad)


@given(st.text(max_size=80))
def test_any_text_is_judged(text):
    for url in (text, "https://" + text, "https://a.example/" + text):
        found = judge(url, RULES)
        assert found is None or isinstance(found, UrlReason)
