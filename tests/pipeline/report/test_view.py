import html
import http.client
import io
import json
import threading
from collections import Counter

import pytest
from PIL import Image

from pipeline.report.view import Shards, Wish, kind_of, server, wish
from pipeline.shard_files import ShardFile
from pipeline.shards.manifest import body
from schemas.errors import InputError
from schemas.shard import IMAGE_FIELDS, PAGE_FIELDS

KEYS = ["0" * 31 + "1", "8" + "0" * 31, "f" * 32]


def jpeg(colour):
    out = io.BytesIO()
    Image.new("RGB", (32, 32), colour).save(out, "JPEG")
    return out.getvalue()


def document(text, language, host, score):
    page = dict.fromkeys(PAGE_FIELDS) | {"url": f"http://{host}/p", "title": f"<b>{text}</b>", "language": language}
    page |= {"language_score": 0.9, "num_words": 2, "warc_filename": "w", "warc_record_offset": 1}
    image = dict.fromkeys(IMAGE_FIELDS) | {"url": "javascript:alert(1)", "width": 32, "height": 32, "clip_score": score}
    page |= {"warc_record_length": 3}
    nodes = {
        "texts": [text, None],
        "images": [None, "000.jpg"],
        "roles": ["paragraph", "image"],
        "metadata": [None, image],
    }
    return nodes | {"matched_text_index": [], "similarity_matrix": [], "general_metadata": page}


@pytest.fixture
def shards(tmp_path):
    folder = tmp_path / "shards"
    folder.mkdir()
    entries = []
    documents = [
        ("tea \u202e leaves", "en", "a.example", 0.2),
        ("Tee", "de", "b.example", None),
        ("the", "fr", "b.example", 0.4),
    ]
    for number, keys in enumerate([KEYS[:1], KEYS[1:]]):
        file = ShardFile(folder, f"weft-{number:06d}", "attempt")
        for key in keys:
            made = document(*documents[KEYS.index(key)])
            file.add(key, json.dumps(made).encode(), made, [("000.jpg", jpeg("red"))])
        entries.append(file.close())
    manifest = body(recipes=["t@0"], entries=entries, totals=Counter(), tokenizer="none", max_images=1)
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return folder


def drawn(shards, **values):
    found, _ = Shards(shards).draw(Wish(**values))
    return {document["key"] for document in found}


def test_filters(shards):
    assert drawn(shards) == set(KEYS)
    assert drawn(shards, language="de") == {KEYS[1]}
    assert drawn(shards, host="B.EXAMPLE") == {KEYS[1], KEYS[2]}
    assert drawn(shards, text="LEAVES") == {KEYS[0]}
    assert drawn(shards, score=0.2) == {KEYS[0], KEYS[2]}
    assert drawn(shards, language="de", score=0.0) == set()


def test_a_seed_draws_the_same_again_and_a_limit_holds(shards):
    first = [d["key"] for d in Shards(shards).draw(Wish(seed=3))[0]]
    assert first == [d["key"] for d in Shards(shards).draw(Wish(seed=3))[0]]
    assert len({tuple(d["key"] for d in Shards(shards).draw(Wish(seed=seed))[0]) for seed in range(9)}) > 1
    assert Shards(shards).draw(Wish(text="nothing says this"), limit=2) == ([], 2)
    assert len(Shards(shards).draw(Wish(), number=1)[0]) == 1


def test_only_members_that_an_index_names_as_images_are_given(shards):
    assert Shards(shards).image(KEYS[0], "000.jpg") == jpeg("red")
    for key, name in [
        (KEYS[0], "json"),
        (KEYS[0], "001.jpg"),
        ("1" * 32, "000.jpg"),
        ("../../etc", "passwd"),
        ("", ""),
    ]:
        assert Shards(shards).image(key, name) is None


@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        ("", Wish()),
        ("score=x&seed=-3&text=a%20b", Wish(text="a b")),
        ("score=0.25&seed=4&language=en&host=h", Wish(score=0.25, seed=4, language="en", host="h")),
    ],
)
def test_what_makes_no_sense_asks_for_nothing(query, wanted):
    assert wish(query) == wanted


@pytest.fixture
def ask(shards):
    with server(shards.parent) as serving:
        thread = threading.Thread(target=serving.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()

        def get(path, host=None):
            connection = http.client.HTTPConnection("127.0.0.1", serving.server_port, timeout=60)
            connection.request("GET", path, headers={"Host": host} if host else {})
            answer = connection.getresponse()
            body = answer.read()
            connection.close()
            return answer.status, dict(answer.getheaders()), body

        get.address = f"http://127.0.0.1:{serving.server_port}"
        yield get
        serving.shutdown()
        thread.join()


def test_it_serves_a_page_without_script_and_images_as_images(ask):
    status, headers, body = ask("/?text=tea")
    text = body.decode()
    assert status == 200
    assert "script-src 'sha256-" in html.unescape(text)
    assert "<script" not in text
    assert "&lt;b&gt;tea [U+202E] leaves&lt;/b&gt;" in text
    assert 'href="javascript' not in text
    assert f"/image/{KEYS[0]}/000.jpg" in text
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert ask(f"/image/{KEYS[0]}/000.jpg")[2] == jpeg("red")


@pytest.mark.parametrize(
    ("name", "kind"), [("000.jpg", "image/jpeg"), ("7.png", "image/png"), ("0.svg", ""), ("json", ""), ("0.html", "")]
)
def test_a_member_is_served_as_the_picture_that_it_is_and_nothing_that_can_run(name, kind):
    assert kind_of(name) == kind


def test_in_a_browser_it_searches_and_nothing_errs(ask, browser):
    tab = browser.new_page()
    said = []
    tab.on("console", lambda message: said.append(message.text))
    tab.on("requestfailed", lambda request: said.append(request.url))
    tab.goto(ask.address)
    tab.get_by_label("text contains").fill("leaves")
    tab.get_by_role("button", name="search").click()
    tab.get_by_text("1 shown").wait_for()
    assert tab.locator("article img").first.evaluate("image => image.naturalWidth") > 0
    tab.get_by_label("text contains").fill("nothing says this")
    tab.get_by_role("button", name="search").click()
    tab.get_by_text("No document fits").wait_for()
    assert said == []
    tab.close()


def test_it_answers_to_its_own_name_only_and_to_nothing_it_has_not(ask, shards):
    assert ask("/", host="evil.example")[0] == 421
    assert ask("/report")[0] == 404
    assert ask("/<script>")[2] == b"no /&lt;script&gt;"
    assert ask("/image/../../manifest.json")[0] == 404
    (shards.parent / "report").mkdir()
    (shards.parent / "report" / "index.html").write_text("the report")
    assert ask("/report")[2] == b"the report"


def test_a_folder_without_shards_or_with_a_damaged_manifest_is_named(tmp_path):
    with pytest.raises(InputError, match="no manifest"):
        server(tmp_path)
    for text in ("", "[]", "{}"):
        (tmp_path / "manifest.json").write_text(text)
        with pytest.raises(InputError, match=r"manifest\.json: it is|is no JSON"):
            server(tmp_path)
