"""The report of a small run with what a hostile page or a list can put in its way, and the page in a browser."""

from __future__ import annotations

import base64
import hashlib
import html
import io
import json
import re
import tomllib
from itertools import pairwise

import pytest
from PIL import Image

from filters.text.fields import DocumentMeasures
from jobs.report import main as command
from pipeline.commits import Commit, Cost
from pipeline.fetch_rounds import keep_forecast
from pipeline.flow import FLOW
from pipeline.recipe import from_sections, load
from pipeline.report import report
from pipeline.report.compare import read
from pipeline.run import Run
from pipeline.store import StoreWriter
from schemas.document import DECISIONS, DOCUMENTS, INPUTS, UNIQUE
from schemas.errors import BooksDoNotBalance
from schemas.image import FILES, IMAGES, LEDGER, LINKS, MATCHES, REFERENCES

TITLE = '</title></script><script>window.pwned = 1</script><img src=x onerror="window.pwned = 2">'
TEXT = "</script><script>window.pwned = 3</script> {{ 7 * 7 }} \u202egnp.exe"
HOST = 'evil.example"><script>window.pwned=4</script>'
LISTED = "http://listed.example/listed-secret.jpg"
URLS = {
    "good": "http://i.example/good.jpg",
    "small": "http://i.example/small.jpg?a=1&b=<script>window.pwned=5</script>",
    "nsfw": "http://i.example/nsfw.jpg",
    "listed": LISTED,
    "svg": "http://i.example/picture.svg",
    "script": "javascript:window.pwned=6",
}
REASONS = {
    "good": None,
    "small": "file:too_small",
    "nsfw": "file:nsfw",
    "listed": "fetch:blocked_by_list",
    "svg": "url:extension",
    "script": "url:scheme",
}


def jpeg(colour, side):
    out = io.BytesIO()
    Image.new("RGB", (side, side), colour).save(out, "JPEG")
    return out.getvalue()


PICTURES = {"good": jpeg("teal", 300), "small": jpeg("orange", 60), "nsfw": jpeg("red", 300)}


def measures(**values):
    fine = dict.fromkeys(DocumentMeasures.__annotations__, 0) | {"num_words": 200, "mean_word_length": 5.0}
    fine |= {"alphabetic_words": 1.0, "stop_words": 0.5, "punctuation": 0.1, "perplexity": None, "quality": None}
    return fine | values


def stored(run):
    """Every picture is in the store, the unsafe one too: a report must not even read it."""
    addresses = {}
    with StoreWriter(run.folder, "store") as store:
        for name, data in PICTURES.items():
            sha256 = hashlib.sha256(data).hexdigest()
            file, offset, length = store.append(data, name=sha256)
            addresses[name] = {"sha256": sha256, "store_file": file, "store_offset": offset, "store_length": length}
    return addresses


def documents(row_of, node_of):
    nodes = [node_of(text=TEXT, num_words=200, num_tokens=300)]
    nodes += [node_of(image_url=url, alt=f"alt of {name}") for name, url in URLS.items()]
    nodes += [node_of(text="dull", drop_reason="spam_words", num_words=1, num_tokens=1)]
    shared = {"warc_filename": "w.warc.gz", "language": "en", "language_score": 0.9, "site": HOST}
    good = shared | {"measures": measures(), "num_words": 200, "num_tokens": 310, "title": TITLE, "text_hash": "h"}
    text = [node_of(text="A text.", num_words=2, num_tokens=3)]
    return [
        row_of(DOCUMENTS, id="1" * 32, url="javascript:window.pwned=7", warc_record_offset=1, nodes=nodes, **good),
        row_of(DOCUMENTS, id="2" * 32, url="http://e.example/2", warc_record_offset=2, nodes=text, **good),
        row_of(DOCUMENTS, id="3" * 32, url="http://e.example/3", warc_record_offset=3, nodes=text,
               **good | {"measures": measures(num_words=3), "drop_reason": "too_few_words", "title": "short"}),
        row_of(DOCUMENTS, id="4" * 32, url="http://e.example/closed", warc_record_offset=4, consent=["meta:noai"],
               drop_reason="opted_out", **shared),
    ]  # fmt: skip


def image_rows(row_of, addresses):
    rows = []
    for name in ("good", "small", "nsfw", "listed"):
        side = 60 if name == "small" else 300
        looks = {"width": side, "height": side, "format": "jpeg", "colour_spread": 99, "entropy": 5.0, "sharpness": 9.0}
        looks |= {"nsfw_score": 0.9 if name == "nsfw" else 0.01, "phash": "0" * 16, "num_faces": 0, "text_share": 0.0}
        known = {} if name == "listed" else addresses[name] | looks
        status = "blocked_by_list" if name == "listed" else "ok"
        rows.append(row_of(IMAGES, url=URLS[name], num_references=1, status=status, drop_reason=REASONS[name], **known))
    return rows


def matches(row_of, table, addresses):
    return [
        row_of(table, id="1" * 32, node=node, url=URLS[name], drop_reason=reason, count_in_corpus=None if reason else 1,
               sha256=addresses.get(name, {}).get("sha256"))
        for node, (name, reason) in enumerate(REASONS.items(), start=1)
    ]  # fmt: skip


@pytest.fixture(scope="module")
def run(spark, tmp_path_factory, row_of, node_of, fill):
    """Four pages, six image URLs, one document of one image in the shards."""
    recipe = load("tiny", ["clip.model=none"])
    out = tmp_path_factory.mktemp("reported") / "out"
    inputs = (("in0", '{"size_bytes": 1000}'),)
    made = Run(folder=out, recipe=recipe, steps=FLOW, inputs=inputs, start_session=lambda: spark)
    made.folder.mkdir()
    addresses, pages = stored(made), documents(row_of, node_of)
    count = {"record_type": "response", "status": 200, "content_type": "text/html"}
    counts = [count | {"drop_reason": None, "records": 4}, count | {"drop_reason": "status", "records": 1}]
    archive = row_of(INPUTS, warc_filename="w.warc.gz", num_bytes=1_000, num_records=5, num_pages=4, counts=counts)
    fill(made, "01_documents", (DOCUMENTS, pages), (INPUTS, [archive]))
    page = {"warc_filename": "w.warc.gz"}
    copy = {"duplicate_of": "1" * 32, "drop_reason": "same_text"}
    unique = [
        row_of(UNIQUE, id="1" * 32, warc_record_offset=1, **page),
        row_of(UNIQUE, id="2" * 32, warc_record_offset=2, **page, **copy),
    ]
    fill(made, "02_unique", (UNIQUE, unique))
    late = {"svg": "extension", "script": "scheme"}
    fill(
        made,
        "03_links",
        (LINKS, [row_of(LINKS, url=url, num_references=1, drop_reason=late.get(name)) for name, url in URLS.items()]),
    )
    images = image_rows(row_of, addresses)
    said = {LISTED: "sha256 on the list of listed-secret"}
    ledger = [row_of(LEDGER, url=row["url"], status=row["status"], detail=said.get(row["url"])) for row in images]
    fill(made, "04_images/ledger", (LEDGER, ledger), slice_name="r0000-x")
    asked = {"statuses": {"ok": 1, "http_4xx": 2}, "machine": "one"}
    made.where("04_images/ledger").commit(Commit(slice="r0000-000000-000000", files=(), extra=asked))
    slowest = [{"group": "slow.example", "num_urls": 9, "seconds": 4.5}]
    keep_forecast(made.where("04_images/ledger"), 0, {"round": 0, "urls": 10, "slowest": slowest})
    fill(made, "04_images/files", (FILES, []))
    fill(made, "04_images/images", (IMAGES, images))
    fill(made, "05_matches/references", (REFERENCES, matches(row_of, REFERENCES, addresses)))
    fill(made, "05_matches/matches", (MATCHES, matches(row_of, MATCHES, addresses)))
    decision = row_of(
        DECISIONS, id="1" * 32, num_images=1, num_image_nodes=6, num_texts=1, num_words=200, num_tokens=300
    )
    fill(made, "05_matches/decisions", (DECISIONS, [decision]))
    shard = {"name": "weft-000000.tar", "bytes": 10_240, "sha256": "", "documents": 1, "images": 1}
    totals = {"documents": 1, "texts": 1, "images": 1, "words": 200, "tokens": 300}
    made.where("shards").commit(Commit(slice="weft-000000", files=(), cost=Cost(cpu_seconds=2.0, peak_bytes=9),
                                       extra={"shard": shard, "dropped": {}, "totals": totals}))  # fmt: skip
    (out / "shards").mkdir(exist_ok=True)
    manifest = {"totals": totals | {"tokenizer": "t"}, "shards": [shard], "num_shards": 1}
    (out / "shards" / "manifest.json").write_text(json.dumps(manifest))
    for step in FLOW:
        made.finish(step.name, Cost())
    made.save([])
    return made


@pytest.fixture(scope="module")
def facts(run):
    return report(run)


@pytest.fixture(scope="module")
def page(run, facts):
    assert facts
    return run.folder / "report" / "index.html"


@pytest.fixture(scope="module")
def opened(browser, page):
    """The page in a window of its own, with what it said and asked for."""
    tab = browser.new_page()
    tab.said, tab.asked = [], []
    tab.on("console", lambda message: tab.said.append(message.text))
    tab.on("pageerror", lambda error: tab.said.append(str(error)))
    tab.on("request", lambda request: tab.asked.append(request.url))
    tab.goto(page.as_uri())
    yield tab
    tab.close()


def test_the_json_keeps_its_keys_and_has_the_figures(facts, run):
    assert {"recipe", "steps", "joins", "totals", "costs", "nsfw_model", "clip_model"} <= facts.keys()
    assert json.loads((run.folder / "report" / "report.json").read_text("utf-8")) == json.loads(json.dumps(facts))
    assert read(run.folder) == json.loads(json.dumps(facts))
    assert facts["totals"]["unique_images"] == {"by_url": 1, "by_bytes": 1, "by_phash": 1}
    d = facts["distributions"]
    assert (d["documents"]["num_images"]["median"], d["documents"]["tokens_an_image"]["mean"]) == (1, 300)
    assert d["images"]["short_side"]["number"] == 1
    assert sum(d["images"]["short_side"]["dropped"]) == 2
    assert d["heat"]["cells"] == [[1, d["heat"]["cells"][0][1], 1]]
    assert {(a["status"], a["urls"]) for a in d["answers"]} == {("ok", 3), ("blocked_by_list", 1)}
    assert facts["duplicates"]["documents"] == {"by_reason": {"same_text": 1}, "group_sizes": {"2": 1}}
    consent = facts["consent"]
    assert consent["signals"] == [{"signal": "meta:noai", "pages": 1, "dropped": 1}]
    assert (consent["files"]["nsfw"], consent["urls"]["blocked_by_list"], consent["pages"]["opted_out"]) == (1, 1, 1)
    assert (facts["whole_crawl"]["here"]["bytes"], facts["whole_crawl"]["pages_a_cpu_second"]) == (1_000, 2.0)


def test_no_text_and_no_address_of_a_page_stands_in_the_json(facts):
    said = json.dumps(facts)
    assert not any(word in said for word in ("pwned = 1", "pwned = 3", "i.example", "listed", "javascript"))


def test_the_page_is_one_small_file_that_names_nothing_to_fetch(page):
    text = page.read_text("utf-8")
    assert len(text) < 10_000_000
    assert not re.search(r"""<(?:link|script|img|iframe|object|embed)[^>]*(?:src|href)=["'](?!data:)""", text)
    assert not re.search(r"""(?:href|src)=["']?\s*javascript""", text, re.IGNORECASE)
    assert "default-src 'none'" in html.unescape(text)


def test_what_pages_say_is_text(page):
    text = page.read_text("utf-8")
    assert "<script>window.pwned" not in text
    assert "&lt;script&gt;window.pwned" in text
    assert "{{ 7 * 7 }}" in text
    assert "\u202e" not in text
    assert "[U+202E]" in text


def test_pictures_are_drawn_of_what_may_be_seen_and_of_nothing_else(page):
    text = page.read_text("utf-8")
    assert set(re.findall(r"data:image/([a-z+]+)", text)) == {"jpeg"}
    colours = {dominant(uri) for uri in re.findall(r"data:image/jpeg;base64,([A-Za-z0-9+/=]+)", text)}
    assert colours == {"teal", "orange"}
    assert "not shown: nsfw" in text
    assert "listed-secret" not in text
    assert "listed.example" not in text
    assert "http://e.example/closed" in text


def dominant(text):
    _red, green, blue = Image.open(io.BytesIO(base64.b64decode(text))).convert("RGB").getpixel((5, 5))
    return "teal" if blue > 90 else "orange" if green > 100 else "red"


def test_books_that_do_not_balance_are_an_error_after_the_files_were_written(run, monkeypatch):
    import pipeline.report as module

    entries, joins = module.books(run)
    monkeypatch.setattr(module, "books", lambda _run: (entries, [*joins, type(joins[0])(name="x", left=1, right=2)]))
    monkeypatch.setattr(module, "figures", lambda *_: {"marked": True})
    monkeypatch.setattr("pipeline.report.render.page", lambda *_: "page")
    folder = run.folder / "report"
    before = (folder / "report.json").read_bytes(), (folder / "index.html").read_bytes()
    with pytest.raises(BooksDoNotBalance, match="1 on one side, 2"):
        report(run)
    assert json.loads((folder / "report.json").read_text()) == {"marked": True}
    for name, data in zip(("report.json", "index.html"), before, strict=True):
        (folder / name).write_bytes(data)


def test_fetching_is_told_with_what_no_list_named(page):
    section = page.read_text("utf-8").partition('<section id="fetch"')[2].partition("</section>")[0]
    assert "1 of 3 image URLs asked gave an image (33.3 %; 60.0 % are expected)" in section
    assert "http_4xx: 67%" in html.unescape(section)
    assert re.search(r'<th scope="row">http_4xx</th><td class="n">2</td>', section)
    assert "blocked_by_list</td>" not in section
    assert re.search(r'slow.example</bdi></td><td class="n">9</td><td class="n">4.5 s', section)


def test_the_command_puts_another_run_beside_this_one(facts, run, tmp_path, capsys):
    other = json.loads(json.dumps(facts))
    other["totals"]["images"] = 2
    other["recipe"]["sections"]["images"]["min_side"] = 48
    (tmp_path / "report").mkdir()
    (tmp_path / "report" / "report.json").write_text(json.dumps(other))
    folder = run.folder / "report"
    before = {name: (folder / name).read_bytes() for name in ("report.json", "index.html")}
    assert command([str(run.folder), "--against", str(tmp_path)]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == str(folder / "index.html")
    section = (
        (folder / "index.html").read_text("utf-8").partition('<section id="compare"')[2].partition("</section>")[0]
    )
    row = '<th scope="row">images</th><td class="n">1</td><td class="n">2</td><td class="n">-50.0 %</td>'
    assert row in section
    assert '<th scope="row">images.min_side</th><td class="code">100</td><td class="code">48</td>' in section
    assert (folder / "report.json").read_bytes() == before["report.json"]
    (folder / "index.html").write_bytes(before["index.html"])


def test_in_a_browser_nothing_runs_errs_or_asks(opened, page):
    opened.wait_for_timeout(200)
    assert opened.evaluate("window.pwned") is None
    assert opened.said == []
    assert [url for url in opened.asked if not url.startswith("data:")] == [page.as_uri()]


def test_charts_are_drawn(opened):
    assert opened.locator("figure svg.chart").count() >= 8
    sizes = opened.evaluate("[...document.querySelectorAll('svg.chart')].map(s => s.getBoundingClientRect().height)")
    assert min(sizes) > 50
    assert opened.locator("svg.chart rect.kept").count() > 5


def test_a_reason_opens_by_keyboard_to_its_examples(opened):
    reason = opened.locator('details[data-reason="file:too_small"]:not(.none)')
    assert not reason.locator("img").is_visible()
    reason.locator("summary").focus()
    opened.keyboard.press("Enter")
    reason.locator("img").wait_for(state="visible", timeout=60_000)
    assert reason.locator("img").evaluate("image => image.naturalWidth") == 60
    unsafe = opened.locator('details[data-reason="file:nsfw"]:not(.none)')
    unsafe.locator("summary").click()
    assert unsafe.locator("img").count() == 0
    assert unsafe.get_by_text("not shown").is_visible()


def test_a_slider_moves_the_counts_and_writes_a_recipe(opened):
    kept = opened.locator('[data-stage="images"]')
    assert kept.inner_text().startswith("1 ")
    slider = opened.get_by_label("min side [px]")
    positions = json.loads(opened.locator("#data").text_content())["sliders"]
    place = next(s for s in positions if s["key"] == "images.min_side")["positions"].index(48)
    slider.fill(str(place))
    opened.locator('[data-stage="images"]', has_text="2 exact").wait_for()
    assert opened.locator("#toml").inner_text() == "[images]\nmin_side = 48"
    assert slider.get_attribute("aria-valuetext") == "48 px"
    opened.locator("#sliders details").evaluate_all("all => all.forEach(one => { one.open = true; })")
    opened.get_by_label("min words").focus()
    opened.keyboard.press("Home")
    opened.locator("#toml", has_text='min_words = "none"').wait_for()
    assert opened.locator('[data-stage="documents"]').inner_text().startswith("3 exact")
    opened.get_by_role("button", name="as the run had it").click()
    assert opened.locator("#toml").inner_text() == "# nothing was moved"
    assert kept.inner_text().startswith("1 ")


def test_documents_are_weighed_by_the_tokens_that_the_dataset_has_of_them(opened):
    joint = json.loads(opened.locator("#data").text_content())["joint"]
    tokens = dict(zip(joint["fates"], joint["tokens"], strict=True))
    assert (tokens["k"], tokens["d"]) == (300, 310)


def test_what_is_copied_is_a_recipe(opened):
    opened.locator("#sliders details").evaluate_all("all => all.forEach(one => { one.open = true; })")
    for label, place in (("min side [px]", "3"), ("max aspect", "5"), ("max spam words", "-1")):
        opened.get_by_label(label, exact=True).fill(place)
    opened.locator("#toml", has_text="max_spam_words").wait_for()
    sections = tomllib.loads(opened.locator("#toml").inner_text())
    assert from_sections("moved", sections).raw == sections
    assert sections["text"] == {"document": {"max_spam_words": "none"}}
    opened.get_by_role("button", name="as the run had it").click()


def test_documents_are_filtered(opened):
    assert opened.locator("#samples article:visible").count() == 1
    opened.get_by_label("text", exact=True).fill("no document says this")
    assert opened.locator("#samples article:visible").count() == 0
    assert opened.locator("#shown").inner_text() == "0 of 1 shown"
    opened.get_by_label("text", exact=True).fill("GNP.EXE")
    assert opened.locator("#samples article:visible").count() == 1
    assert opened.locator("#samples .node.gone").count() == 6


@pytest.mark.parametrize(("width", "scheme"), [(390, "dark"), (1280, "light")])
def test_it_fits_a_phone_and_is_dark_where_asked(opened, width, scheme):
    opened.set_viewport_size({"width": width, "height": 844})
    opened.emulate_media(color_scheme=scheme)
    assert opened.evaluate("document.documentElement.scrollWidth") <= width
    shade = opened.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (int(re.findall(r"\d+", shade)[0]) < 60) == (scheme == "dark")


def test_every_control_and_picture_has_a_name(opened):
    nameless = opened.evaluate(
        "[...document.querySelectorAll('input, select, button, svg[role=img], nav, section')].filter("
        "e => !(e.labels?.length || e.getAttribute('aria-label') || e.getAttribute('aria-labelledby')"
        " || e.textContent.trim())).length"
    )
    assert nameless == 0
    assert opened.evaluate("[...document.images].every(image => image.hasAttribute('alt'))")
    levels = opened.evaluate("[...document.querySelectorAll('h1,h2,h3,h4')].map(h => Number(h.tagName[1]))")
    assert levels[0] == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))
