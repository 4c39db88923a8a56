"""Paragraphs that repeat over a site: which go, which stay, and what is said of a page that lost some."""

from __future__ import annotations

from dataclasses import asdict

import pyarrow as pa
import pytest

from filters.text import word_lists
from filters.text.measures import measure_document
from filters.text.rule_sets import Config as TextConfig
from pipeline.repeated_paragraphs import _Bounds, repeated_nodes
from schemas.document import DOCUMENTS


@pytest.fixture
def pages(spark, row_of, node_of):
    """Documents from (site, [(text hash, role, drop reason)]), and their decisions: all kept but those named."""

    def frames(*described, dropped=()):
        rows = [
            row_of(
                DOCUMENTS,
                id=f"d{number}",
                warc_filename="a",
                warc_record_offset=number,
                site=site,
                nodes=[
                    node_of(image_url="http://x/i.jpg")
                    if digest is None
                    else node_of(text=str(digest), text_hash=digest, role=role, drop_reason=why, num_words=10)
                    for digest, role, why in nodes
                ],
            )
            for number, (site, nodes) in enumerate(described)
        ]
        documents = spark.createDataFrame(pa.Table.from_batches([DOCUMENTS.batch(rows)]))
        keys = [("a", n, "same_url" if n in dropped else None) for n in range(len(described))]
        schema = "warc_filename string, warc_record_offset long, drop_reason string"
        return documents, spark.createDataFrame(keys, schema)

    return frames


def own(number):
    return (1000 + number, "paragraph", None)


FOOTER, HEADING, IMAGE = (7, "paragraph", None), (8, "heading2", None), (None, "", None)


@pytest.mark.parametrize(("bound", "gone"), [(3, {}), (2, {0: [1], 1: [2], 2: [1]}), (0, {})])
def test_a_paragraph_goes_where_it_stands_on_its_site_more_often_than_the_bound(pages, bound, gone):
    documents, decided = pages(
        ("x.org", [own(0), FOOTER, HEADING]),
        ("x.org", [HEADING, own(1), FOOTER, IMAGE]),
        ("x.org", [own(2), FOOTER, HEADING]),
        ("y.org", [own(3), FOOTER]),  # another site
        ("x.org", [own(4), FOOTER]),  # dropped before: it counts for nothing
        ("x.org", [own(5), (7, "paragraph", "too_few_words")]),  # a node that was dropped before
        dropped=(4,),
    )
    found = repeated_nodes(documents, decided, bound, 1.0).collect()
    assert {row["warc_record_offset"]: row["dropped_nodes"] for row in found} == gone
    assert {row["spared_nodes"] for row in found} <= {0}


def test_a_document_that_would_lose_every_paragraph_keeps_them_and_headings_do_not_save_it(pages):
    twice = [FOOTER, (9, "list_item", None)]
    documents, decided = pages(
        ("x.org", [HEADING, *twice]),
        ("x.org", [HEADING, *twice]),
        ("x.org", [*twice, own(1), HEADING]),
    )
    found = repeated_nodes(documents, decided, 2, 1.0).orderBy("warc_record_offset").collect()
    assert [tuple(row)[1:] for row in found] == [(0, [], 2), (1, [], 2), (2, [0, 1], 0)]


def test_code_stays_however_often_it_stands_there_and_is_part_of_what_a_document_keeps(pages):
    code = (6, "code", None)
    documents, decided = pages(*[("x.org", [FOOTER, code])] * 3)
    found = repeated_nodes(documents, decided, 2, 0.5).collect()
    assert [row["dropped_nodes"] for row in found] == [[0]] * 3  # half of the words, and not every paragraph


@pytest.mark.parametrize(("share", "outcome"), [(0.5, ([1], 0)), (0.49, ([], 1))])
def test_a_document_that_would_lose_its_core_keeps_it(pages, share, outcome):
    documents, decided = pages(*[("x.org", [own(number), FOOTER]) for number in range(3)])  # half of the words
    found = repeated_nodes(documents, decided, 2, share).collect()
    assert {(tuple(row["dropped_nodes"]), row["spared_nodes"]) for row in found} == {(tuple(outcome[0]), outcome[1])}


LISTS = word_lists.build({}, {})


def judged(texts, dropped, gone=(), **config):
    whole, nodes = measure_document(texts, "xx", LISTS)
    row = {
        "language": "xx",
        "measures": asdict(whole),
        "nodes": [None, *map(asdict, nodes)],  # an image first
        "gone": [False, *(place in gone for place in range(1, len(nodes) + 1))],
        "dropped_nodes": dropped,
    }
    return _Bounds(TextConfig(rules="none", **config)).judge(row)


@pytest.mark.parametrize(("bound", "reason"), [(5, None), (6, "too_few_words")])
def test_what_is_left_is_judged_by_sums(bound, reason):
    texts = ["one two three four five", "a footer of words"]
    assert judged(texts, [2], document={"min_words": bound}) == reason
    assert judged(texts, [], document={"min_words": 9}) is None


def test_a_bound_that_is_no_sum_says_nothing_of_what_is_left():
    assert judged(["one one one one", "x"], [2], document={"max_duplicate_5grams": 0.0, "max_top_2gram": 0.0}) is None


def test_nodes_that_were_dropped_before_count_as_the_recipe_judges():
    texts = ["one two three four five", "six seven", "a footer"]
    bounds = {"document": {"min_words": 7}}
    assert judged(texts, [3], gone=(2,), **bounds) is None
    assert judged(texts, [3], gone=(2,), judge_over="surviving", **bounds) == "too_few_words"
    assert judged(texts, [3], gone=(1, 2), **bounds) == "no_text"
