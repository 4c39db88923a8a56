import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.fetch.robots import Entry, MemoryTable, parse

HOST = "https://a.example"


def allows(text, path, agent="weft"):
    return parse(text, agent).allows(HOST + path)


@pytest.mark.parametrize(
    ("text", "path", "allowed"),
    [
        ("", "/x", True),
        ("User-agent: *\nDisallow: /", "/x", False),
        ("User-agent: *\nDisallow:", "/x", True),
        ("User-agent: *\nDisallow: /private", "/private/x.jpg", False),
        ("User-agent: *\nDisallow: /private", "/privateer.jpg", False),
        ("User-agent: *\nDisallow: /private/", "/private", True),
        ("User-agent: *\nDisallow: /\nAllow: /public", "/public/x.jpg", True),
        ("User-agent: *\nAllow: /a\nDisallow: /a", "/a", True),  # a tie: allow
        ("User-agent: *\nDisallow: /*.gif$", "/p/x.gif", False),
        ("User-agent: *\nDisallow: /*.gif$", "/p/x.gif?y", True),
        ("User-agent: *\nDisallow: /p/*/x", "/p/q/r/x.jpg", False),
        ("User-agent: *\nDisallow: /?id=", "/?id=1", False),
        ("User-agent: weft\nDisallow: /\n\nUser-agent: *\nAllow: /", "/x", False),
        ("User-agent: WEFT/1.0\nDisallow: /", "/x", False),
        ("User-agent: other\nDisallow: /", "/x", True),
        ("User-agent: other\nUser-agent: weft\nDisallow: /", "/x", False),
        ("User-agent: weft\nAllow: /\nUser-agent: weft\nDisallow: /b", "/b", False),  # groups of one agent are merged
        ("User-agent: *\nDisallow: /\nUser-agent: weft\nDisallow: /only", "/x", True),
        ("User-agent: weftbot\nDisallow: /", "/x", True),
        ("User-agent: weft2\nDisallow: /", "/x", True),
        ("User-agent: *\nDisallow: /*/x$", "/p/x", False),
        ("User-agent: *\nDisallow: /*/x$", "/x", True),
        ("User-agent: *\nDisallow: /a*ab$", "/ab", True),  # no character counts twice
        ("User-agent: *\nDisallow: /a$", "/a", False),
        ("User-agent: *\nDisallow: /a$", "/ab", True),
        ("User-agent: *\nDisallow: *", "/x", False),
        ("# Disallow: /\nUser-agent: * # all\nDisallow: /x # that", "/x", False),
        ("user-AGENT : *\r\ndisALLOW : /x\r\n", "/x", False),
        ("\ufeffUser-agent: *\nDisallow: /", "/x", False),
        ("Disallow: /", "/x", True),  # rules before any agent are nobody's
        ("User-agent: *\nCrawl-delay: 5\nDisallow: /x\nSitemap: https://a.example/s.xml", "/x", False),
        ("User-agent: *\nDisallow: /a%3cd", "/a%3Cd", False),
        ("User-agent: *\nDisallow: /caf\u00e9", "/caf%C3%A9.jpg", False),
        ("User-agent: *\nDisallow: /%7Ejoe", "/~joe/x", False),
        ("<html>not found</html>", "/x", True),
        ("User-agent: *\nDisallow: /", "/robots.txt", True),
    ],
)
def test_rules_are_read_as_rfc_9309_says(text, path, allowed):
    assert allows(text, path) is allowed


def test_the_longest_rule_wins_whatever_its_place():
    text = "User-agent: *\nDisallow: /images/\nAllow: /images/free/\nDisallow: /images/free/not/"
    assert [allows(text, p) for p in ("/images/a", "/images/free/a", "/images/free/not/a")] == [False, True, False]


def test_an_agent_with_a_digit_in_its_name_finds_its_group():
    text = "User-agent: img2text\nDisallow: /\n\nUser-agent: *\nAllow: /"
    assert allows(text, "/x", "img2text") is False
    assert allows(text, "/x", "img") is True


@pytest.mark.parametrize("end", ["$", "b$", "b"])
def test_a_pattern_of_many_stars_takes_no_time(end):
    start = time.process_time()
    assert allows("User-agent: *\nDisallow: /" + "*a" * 30 + end, "/" + "a" * 2_000 + "c") is True
    assert time.process_time() - start < 1


@given(st.text("ab*", max_size=8), st.booleans(), st.text("ab", max_size=12))
def test_stars_stand_for_any_characters(body, anchored, path):
    rule = f"/{body}" + "$" * anchored
    expected = re.match("/" + body.replace("*", ".*") + r"\Z" * anchored, f"/{path}") is None
    assert allows(f"User-agent: *\nDisallow: {rule}", f"/{path}") is expected


def test_a_file_of_many_rules_is_read_in_no_long_time():
    start = time.process_time()
    found = parse("User-agent: *\n" + "".join(f"Disallow: /a*{n}\n" for n in range(30_000)), "weft")
    assert found.allows(HOST + "/b")
    assert time.process_time() - start < 3


def test_entries_are_good_for_a_day():
    entry = Entry(fetched_at=1_000.0, text="")
    assert entry.is_fresh(1_000.0 + 86_399)
    assert not entry.is_fresh(1_000.0 + 86_400)


def test_the_table_forgets_old_entries():
    table = MemoryTable()
    table.put(HOST, Entry(fetched_at=0.0, text=""))
    assert table.get(HOST) is None
    assert table.get("https://b.example") is None


@given(st.text(max_size=200), st.text(max_size=30))
def test_any_text_is_parsed(text, path):
    assert parse(text, "weft").allows(HOST + "/" + path) in (True, False)
