import hashlib

from hypothesis import given
from hypothesis import strategies as st

from pipeline.shards.views import pair_key


def test_the_key_of_a_pair_is_that_of_the_design():
    assert pair_key("0" * 32, 3, "alt") == hashlib.sha256(b"0" * 32 + b"\n3\nalt").hexdigest()[:32]


@given(st.integers(0, 999), st.integers(0, 999), st.sampled_from(("alt", "caption")))
def test_every_pair_of_a_document_has_a_key_of_its_own(one, other, kind):
    assert (pair_key("a" * 32, one, kind) == pair_key("a" * 32, other, "alt")) == (one == other and kind == "alt")
