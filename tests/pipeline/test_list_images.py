"""Which image URLs are asked: consent of the pages first, then the look of the URL."""

from __future__ import annotations

from pipeline.list_images import _capped, _link, image_nodes, make
from pipeline.recipe import load
from schemas.document import DOCUMENTS, UNIQUE
from schemas.image import LINKS

RULES = load("tiny").image_urls


def link(url, references=1, opted_out=0):
    return _link({"url": url, "num_references": references, "num_opted_out": opted_out}, RULES)


def test_a_url_that_only_pages_show_which_opt_out_is_never_asked_whatever_it_looks_like():
    assert link("http://x.org/a.jpg", 0, 2)["drop_reason"] == "opted_out"
    assert link("http://x.org/logo.jpg", 0, 1)["drop_reason"] == "opted_out"


def test_one_page_that_allows_it_is_enough_and_then_the_url_is_judged():
    assert link("http://x.org/a.jpg", 1, 5)["drop_reason"] is None
    assert link("http://x.org/logo.jpg", 1, 5)["drop_reason"] == "banned_word"


def test_hosts_of_one_registrable_domain_share_a_group():
    assert {link(f"http://{host}/a.jpg")["host_group"] for host in ("x.co.uk", "img.x.co.uk")} == {"x.co.uk"}


def test_the_step_counts_references_of_pages_that_02_kept(spark, run_of, fill, row_of, node_of):
    run = run_of(spark=spark)
    shared, own, gone = "http://x/shared.jpg", "http://x/own.jpg", "http://x/gone.jpg"
    described = [
        ("d0", False, [shared, shared, own], None),
        ("d1", True, [shared, gone], None),  # says noimageai
        ("d2", False, ["http://x/of-a-duplicate.jpg"], "same_text"),
    ]
    pages, unique = [], []
    for number, (name, out, urls, reason) in enumerate(described):
        nodes = [node_of(text="t"), *[node_of(image_url=url) for url in urls]]
        dropped = node_of(image_url="http://x/in-page-duplicate.jpg", drop_reason="duplicate_in_page")
        place = {"id": name, "warc_filename": "a", "warc_record_offset": number}
        pages.append(row_of(DOCUMENTS, nodes=[*nodes, dropped], images_opted_out=out, **place))
        unique.append(row_of(UNIQUE, drop_reason=reason, **place))
    fill(run, "01_documents", (DOCUMENTS, pages))
    fill(run, "02_unique", (UNIQUE, unique))
    make(run)
    found = {row["url"]: row.asDict() for row in run.table("links").collect()}
    assert {url: (row["num_references"], row["num_opted_out"], row["drop_reason"]) for url, row in found.items()} == {
        shared: (2, 1, None),
        own: (1, 0, None),
        gone: (0, 1, "opted_out"),
    }
    nodes = {(row["id"], row["node"], row["url"]) for row in image_nodes(run).collect()}
    assert nodes == {("d0", 1, shared), ("d0", 2, shared), ("d0", 3, own), ("d1", 1, shared), ("d1", 2, gone)}


def test_a_host_group_has_so_many_urls_at_most_those_with_most_references(spark, row_of):
    rows = [row_of(LINKS, url=f"http://a/{n}", host_group="a", num_references=n % 3) for n in range(6)]
    rows += [
        row_of(LINKS, url="http://b/1", host_group="b", num_references=1),
        row_of(LINKS, url="http://a/logo.png", host_group="a", num_references=9, drop_reason="banned_word"),
        row_of(LINKS, url="data:sha256,1", host_group="a", num_references=9),
    ]
    links = spark.createDataFrame(LINKS.batch(rows).to_pandas(), LINKS.ddl())

    def capped(most):
        return {row["url"]: row["drop_reason"] for row in _capped(links, most).collect()}

    assert set(capped(0).values()) == {None, "banned_word"}
    found = capped(3)
    assert len(found) == len(rows)
    kept = {url for url, reason in found.items() if reason is None}
    assert kept == {"http://a/2", "http://a/5", *(kept & {"http://a/1", "http://a/4"}), "http://b/1", "data:sha256,1"}
    assert len(kept) == 5
    assert [url for url, reason in found.items() if reason == "banned_word"] == ["http://a/logo.png"]
    assert capped(3) == found
