"""Repeats of an image in its document, on its site and in the corpus."""

from __future__ import annotations

import pytest

from pipeline.dedup_images import Config, judge_repeats, make
from schemas.document import DOCUMENTS, UNIQUE
from schemas.errors import ConfigError
from schemas.image import IMAGES, LINKS, PICTURES

SCHEMA = "id string, site string, node int, url string, sha256 string, picture string, drop_reason string"


WRONG = [
    {"max_on_site": -1},
    {"max_in_corpus": -1},
    {"max_in_document": -1},
    {"radius": -2},
    {"radius": 32},
    {"min_quality": 101},
]


@pytest.mark.parametrize("wrong", WRONG)
def test_bounds_that_make_no_sense_are_refused(wrong):
    with pytest.raises(ConfigError, match=f"{next(iter(wrong))}|must not be negative"):
        Config(**wrong)


@pytest.fixture
def judged(spark):
    """{(id, node): (reason, count in corpus)} of references (id, site, node, sha256, picture, reason)."""

    def judge(references, **config):
        rows = [(i, site, node, f"u-{sha}", sha, look, why) for i, site, node, sha, look, why in references]
        found = judge_repeats(spark.createDataFrame(rows, SCHEMA), Config(**config)).collect()
        return {(row["id"], row["node"]): (row["drop_reason"], row["count_in_corpus"]) for row in found}

    return judge


def test_the_first_of_equal_pictures_in_a_document_stays(judged):
    references = [
        ("d", "x", 5, "a", "p1", None),
        ("d", "x", 2, "b", "p1", None),  # other bytes of the same picture, and earlier
        ("d", "x", 3, "c", "p2", None),
        ("d", "x", 1, "b", "p1", "file:nsfw"),  # not usable: it is no first
        ("d", "x", 7, "e", "e", None),
        ("d", "x", 8, "e", "e", None),
        ("e", "x", 1, "a", "p1", None),  # another document
    ]
    found = judged(references, max_in_corpus=0)
    assert {place: why for place, (why, _) in found.items()} == {
        ("d", 5): "duplicate_in_document",
        ("d", 2): None,
        ("d", 3): None,
        ("d", 1): "file:nsfw",
        ("d", 7): None,
        ("d", 8): "duplicate_in_document",
        ("e", 1): None,
    }
    off = judged(references, max_in_corpus=0, in_document=False)
    assert {why for why, _ in off.values()} == {None, "file:nsfw"}


def test_bytes_on_more_documents_than_a_bound_go_everywhere_and_at_the_bound_they_stay(judged):
    on_x = [(f"d{n}", "x", 0, "logo", "p", None) for n in range(3)]
    on_y = [(f"e{n}", "y", 0, "logo", "p", None) for n in range(2)]
    twice = [("d0", "x", 9, "logo", "p", None)]  # once more in one document counts as one
    unusable = [("f", "x", 0, "logo", "p", "url:banned_word")]
    references = [*on_x, *on_y, *twice, *unusable]

    def reasons(**config):
        found = judged(references, in_document=False, **config)
        assert {count for (name, _), (_, count) in found.items() if name != "f"} == {5}, "counted before anything goes"
        assert found["f", 0][0] == "url:banned_word"
        return {(name, node): why for (name, node), (why, _) in found.items() if name != "f"}

    assert set(reasons(max_on_site=3, max_in_corpus=5).values()) == {None}
    over_site = reasons(max_on_site=2, max_in_corpus=5)
    assert {name for (name, _), why in over_site.items() if why == "repeated_on_site"} == {"d0", "d1", "d2"}
    assert over_site["e0", 0] is None
    over_corpus = reasons(max_on_site=0, max_in_corpus=4)
    assert set(over_corpus.values()) == {"repeated_in_corpus"}


def test_a_document_keeps_its_first_images_and_what_is_gone_does_not_count(judged):
    references = [("d", "x", n, f"s{n}", f"p{n}", "file:nsfw" if n == 1 else None) for n in range(5)]
    references += [("e", "x", 7, "t", "q", None)]
    off, on = (judged(references, max_in_corpus=0, max_in_document=limit) for limit in (0, 2))
    assert {why for why, _ in off.values()} == {None, "file:nsfw"}
    assert {place: why for place, (why, _) in on.items()} == {
        ("d", 0): None,
        ("d", 1): "file:nsfw",
        ("d", 2): None,
        ("d", 3): "surplus",
        ("d", 4): "surplus",
        ("e", 7): None,
    }


def test_pictures_are_counted_over_other_bytes_and_the_rest_can_go_instead_of_all(judged):
    references = [(f"d{n}", "x" if n < 3 else "y", 0, f"copy{n}", "p", None) for n in range(5)]

    def left(**config):
        found = judged(references, **config)
        assert {count for _, count in found.values()} == {1}, "bytes are counted by themselves"
        return sorted(name for (name, _), (why, _) in found.items() if why is None)

    assert left(max_in_corpus=4) == []
    assert left(max_in_corpus=5) == ["d0", "d1", "d2", "d3", "d4"]
    assert left(max_in_corpus=4, excess="rest") == ["d0", "d1", "d2", "d3"]
    assert left(max_in_corpus=0, max_on_site=2) == ["d3", "d4"]
    assert left(max_in_corpus=0, max_on_site=2, excess="rest") == ["d0", "d1", "d3", "d4"]


def test_the_step_joins_what_is_known_of_urls_and_files(spark, run_of, fill, row_of, node_of):
    run = run_of(spark=spark)
    urls = ["http://x/ok.jpg", "http://x/logo.jpg", "http://x/gone.jpg"]
    nodes = [node_of(image_url=url) for url in urls]
    place = {"warc_filename": "a", "site": "x"}
    pages = [
        row_of(DOCUMENTS, id=name, warc_record_offset=n, nodes=nodes, images_opted_out=out, **place)
        for n, (name, out) in enumerate([("d", False), ("o", True)])
    ]
    fill(run, "01_documents", (DOCUMENTS, pages))
    unique = [row_of(UNIQUE, id=name, warc_record_offset=n, **place) for n, name in enumerate("do")]
    fill(run, "02_unique", (UNIQUE, unique))
    reasons = (None, "banned_word", None)
    fill(run, "03_links", (LINKS, [row_of(LINKS, url=u, drop_reason=r) for u, r in zip(urls, reasons, strict=True)]))
    images = [
        row_of(IMAGES, url=urls[0], status="ok", sha256="s"),
        row_of(IMAGES, url=urls[2], status="http_410", drop_reason="fetch:http_410"),
    ]
    fill(run, "04_images/images", (IMAGES, images))
    fill(run, "05_matches/pictures", (PICTURES, [row_of(PICTURES, sha256="s", picture="s")]))
    make(run)
    found = run.table("references").orderBy("id", "node").collect()
    assert [(row["id"], row["node"], row["sha256"], row["count_in_corpus"], row["drop_reason"]) for row in found] == [
        ("d", 0, "s", 1, None),
        ("d", 1, None, None, "url:banned_word"),
        ("d", 2, None, None, "fetch:http_410"),
        ("o", 0, "s", 1, "opted_out"),
        ("o", 1, None, None, "opted_out"),
        ("o", 2, None, None, "opted_out"),
    ]


def test_images_that_earlier_runs_show_count_as_repeats_but_not_in_this_run_s_number(spark):
    references = spark.createDataFrame([("n", "x", 0, "u", "s", "p", None), ("n", "x", 1, "v", "t", "t", None)], SCHEMA)
    earlier = spark.createDataFrame([("p", "e1", "x"), ("p", "e2", "y")], "picture string, id string, site string")

    def found(**bounds):
        rows = judge_repeats(references, Config(**bounds), earlier).orderBy("node").collect()
        return [(row["count_in_corpus"], row["drop_reason"]) for row in rows]

    assert found(max_in_corpus=2, max_on_site=2) == [(1, "repeated_in_corpus"), (1, None)]
    assert found(max_in_corpus=3, max_on_site=1) == [(1, "repeated_on_site"), (1, None)]
    assert found(max_in_corpus=3, max_on_site=2) == [(1, None), (1, None)]
    # The first so many are kept, and those of earlier runs were first.
    assert found(max_in_corpus=2, excess="rest") == [(1, "repeated_in_corpus"), (1, None)]
    assert found(max_in_corpus=3, excess="rest") == [(1, None), (1, None)]
