import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.fetch.config import Config
from pipeline.fetch.opt_out import objection

DIRECTIVES = Config().opt_out_directives


@pytest.mark.parametrize(
    ("tags", "tdm", "found"),
    [
        ([], None, None),
        (["noindex, nofollow"], None, None),
        (["noai"], None, "noai"),
        (["noai, noimageai"], None, "noai"),
        (["noindex", "NoImageAI"], None, "noimageai"),
        (["noimageindex"], None, "noimageindex"),
        (["weft: noai"], None, "noai"),
        (["WEFT: noindex, noml"], None, "noml"),
        (["googlebot: noai"], None, None),
        (["googlebot: noindex, noai"], None, None),
        (["*: noai"], None, None),
        (["unavailable_after: 25 Jun 2030 15:00:00 PST, noai"], None, "noai"),
        ([], "1", "tdm-reservation"),
        ([], "0", None),
    ],
)
def test_headers_that_keep_an_image_out(tags, tdm, found):
    assert objection(tags, tdm, agent="weft", directives=DIRECTIVES) == found


@given(st.lists(st.text(max_size=40), max_size=4))
def test_any_header_is_read(tags):
    found = objection(tags, None, agent="weft", directives=DIRECTIVES)
    assert found is None or found in DIRECTIVES
