import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.books import Entry, Join, check
from schemas.errors import BooksDoNotBalance


def entry(step, unit, count_in, count_out, **dropped):
    return Entry(step=step, unit=unit, count_in=count_in, count_out=count_out, dropped=dropped)


SOUND = [
    entry("00_inputs", "record", 10, 4, status=6),
    entry("01_documents", "document", 4, 3, language=1),
    entry("02_unique", "document", 3, 2, same_url=1),
]


def test_sound_books_pass():
    check(SOUND, [Join(name="pages and rows", left=4, right=4)])


@pytest.mark.parametrize(
    ("entries", "joins", "said"),
    [
        ([entry("a", "url", 5, 3, x=1)], [], "a, url: 5 in, 3 out, 1 dropped"),
        ([*SOUND, entry("shards", "document", 3, 3)], [], "2 out of 02_unique, 3 into shards"),
        (SOUND, [Join(name="pages and rows", left=4, right=5)], "pages and rows: 4 on one side, 5 on the other"),
    ],
)
def test_what_does_not_add_up_is_named_with_its_figures(entries, joins, said):
    with pytest.raises(BooksDoNotBalance, match=said):
        check(entries, joins)


def test_json_has_the_names_of_the_report():
    assert SOUND[1].as_json() == {
        "step": "01_documents",
        "unit": "document",
        "in": 4,
        "out": 3,
        "dropped": {"language": 1},
    }


@given(st.lists(st.dictionaries(st.sampled_from(["a", "b", "c"]), st.integers(0, 9)), min_size=1), st.integers(0, 9))
def test_a_chain_that_is_built_to_balance_does_and_one_off_does_not(chain, rest):
    left = rest + sum(sum(dropped.values()) for dropped in chain)
    entries = []
    for number, dropped in enumerate(chain):
        after = left - sum(dropped.values())
        entries.append(Entry(step=str(number), unit="url", count_in=left, count_out=after, dropped=dropped))
        left = after
    check(entries, [])
    entries[-1] = Entry(step="last", unit="url", count_in=entries[-1].count_in + 1, count_out=left)
    with pytest.raises(BooksDoNotBalance):
        check(entries, [])
