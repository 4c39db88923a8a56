"""What an earlier run is asked for, and what is refused before a job starts."""

from __future__ import annotations

import json
import shutil

import pytest

from filters import minhash
from pipeline import earlier_runs
from pipeline.commits import Cost
from pipeline.earlier_runs import check, fingerprint
from schemas.document import DECISIONS, DOCUMENTS, UNIQUE
from schemas.errors import ConfigError, InputError
from schemas.image import IMAGES, LINKS, REFERENCES


@pytest.fixture
def first(run_of, fill, row_of, tmp_path):
    """An earlier run of documents a, b and c: c was dropped by 02; and what it is called."""

    def make(*overrides, decisions=None, **more):
        run = run_of(*overrides)
        rows = [
            row_of(UNIQUE, id=name, url_key=f"http://x/{name}", text_hash=name, site="x.org", **more)
            | {"drop_reason": "same_url" if name == "c" else None}
            for name in "abc"
        ]
        fill(run, "02_unique", (UNIQUE, rows))
        run.finish("02_unique", Cost())
        if decisions is not None:
            kept = [row_of(DECISIONS, id=name, drop_reason=reason) for name, reason in decisions.items()]
            fill(run, "05_matches/decisions", (DECISIONS, kept))
            run.finish("05_matches/decisions", Cost())
            shown = [row_of(REFERENCES, id=name, node=0, url="u", sha256="s") for name in "ab"]
            fill(run, "05_matches/references", (REFERENCES, shown))
            run.finish("05_matches/references", Cost())
            seen = [row_of(IMAGES, url="u", sha256="s", status="ok", pdq="0" * 64, pdq_quality=100)]
            fill(run, "04_images/images", (IMAGES, seen))
            run.finish("04_images/images", Cost())
        run.save([])
        target = tmp_path / "first"
        shutil.move(run.folder, target)
        return target

    return make


def test_a_folder_without_a_finished_02_is_refused_by_name(run_of):
    with pytest.raises(InputError, match="nowhere holds no run"):
        check(["nowhere"], minhash.Config())
    run = run_of()
    run.folder.mkdir()
    run.save([])
    with pytest.raises(InputError, match=r"02_unique of .* is not done"):
        check([str(run.folder)], minhash.Config())
    facts = json.loads((run.folder / "run.json").read_text())
    (run.folder / "run.json").write_text(json.dumps({key: facts[key] for key in facts if key != "tables"}))
    with pytest.raises(InputError, match="of an older weft"):
        check([str(run.folder)], minhash.Config())


@pytest.mark.parametrize(("config", "said"), [({"width": 4}, "minhash.width = 5, this recipe 4"), ({}, None)])
def test_signatures_of_another_kind_are_refused(first, config, said):
    folder = str(first())
    if said is None:
        check([folder], minhash.Config())
        return
    with pytest.raises(ConfigError, match=said):
        check([folder], minhash.Config(**config))


def test_shingles_that_were_not_kept_cannot_be_compared(first):
    folder = str(first())
    with pytest.raises(ConfigError, match="kept no shingles"):
        check([folder], minhash.Config(verify="exact", keep_shingles=True))
    with pytest.raises(ConfigError, match="kept 512 hashes of shingles"):
        check([folder], minhash.Config(sketch_size=513))
    check([folder], minhash.Config(sketch_size=256))


def test_a_run_of_before_sketches_is_refused_where_they_are_compared(first):
    folder = str(first(signature=b"1234"))
    with pytest.raises(InputError, match="kept no sketches"):
        check([folder], minhash.Config())
    check([folder], minhash.Config(verify="estimated"))


def test_a_run_with_sketches_is_compared(first):
    check([str(first(signature=b"1234", shingles=b""))], minhash.Config())


def test_the_fingerprint_follows_what_the_run_holds_not_where_it_lies(first, tmp_path):
    folder = first()
    before = fingerprint([str(folder)])
    assert fingerprint([str(shutil.copytree(folder, tmp_path / "elsewhere"))]) == before
    (committed,) = (folder / "02_unique").glob("*/_commits/all.json")
    facts = json.loads(committed.read_text())
    facts["files"][0]["path"] = "data/other.parquet"
    committed.write_text(json.dumps(facts))
    assert fingerprint([str(folder)]) != before


def test_documents_that_02_kept_count_until_there_are_decisions(spark, first, run_of):
    folder = first()
    run = run_of(f"dedup.against=['{folder}']", spark=spark)
    assert sorted(row["id"] for row in earlier_runs.documents(run).collect()) == ["a", "b"]
    assert earlier_runs.image_uses(run) is None
    assert earlier_runs.image_files(run) is None
    assert earlier_runs.documents(run_of(spark=spark)) is None


def test_where_there_are_decisions_only_what_was_put_out_counts(spark, first, run_of, fill, row_of):
    folder = first(decisions={"a": None, "b": "no_images"})
    run = run_of(f"dedup.against=['{folder}']", spark=spark)
    assert [row["id"] for row in earlier_runs.documents(run).collect()] == ["a"]
    assert [tuple(row) for row in earlier_runs.image_uses(run).collect()] == [("s", "a", "x.org")]
    rows = [
        row_of(DOCUMENTS, id=name, warc_filename="n", warc_record_offset=n, url_key=key, text_hash=name)
        for n, (name, key) in enumerate([("d", "http://x/a"), ("e", "http://x/b")])
    ]
    fill(run, "01_documents", (DOCUMENTS, rows))
    run.step("02_unique").make(run)
    found = run.table("unique").orderBy("id").collect()
    assert [(row["id"], row["drop_reason"], row["duplicate_of"]) for row in found] == [
        ("d", "same_url", "a"),
        ("e", None, None),
    ]


def test_a_picture_of_an_earlier_run_is_known_again_in_other_bytes(spark, first, run_of, fill, row_of, node_of):
    folder = first(decisions={"a": None, "b": "no_images"})
    run = run_of(
        f"dedup.against=['{folder}']",
        "dedup_images.max_on_site=1",
        "dedup_with_images.min_same_images=1",
        spark=spark,
    )
    near, other = "0" * 60 + "ffff", "f" * 64  # 16 bits from the earlier one; another picture
    urls = {"near": ("n", near), "other": ("o", other)}
    seen = [
        row_of(IMAGES, url=url, sha256=sha256, status="ok", pdq=pdq, pdq_quality=100)
        for url, (sha256, pdq) in urls.items()
    ]
    fill(run, "03_links", (LINKS, [row_of(LINKS, url=url) for url in urls]))
    fill(run, "04_images/images", (IMAGES, seen))
    sites = {"d": ("x.org", ["near"]), "e": ("y.org", ["near"]), "f": ("y.org", ["near", "other"])}
    pages = [
        row_of(DOCUMENTS, id=name, warc_record_offset=n, site=site, nodes=[node_of(image_url=url) for url in shown])
        for n, (name, (site, shown)) in enumerate(sites.items())
    ]
    fill(run, "01_documents", (DOCUMENTS, pages))
    unique = [
        row_of(UNIQUE, id=name, warc_record_offset=n, site=site) for n, (name, (site, _)) in enumerate(sites.items())
    ]
    fill(run, "02_unique", (UNIQUE, unique))
    for step in ("05_matches/pictures", "05_matches/references", "05_matches/duplicates"):
        run.step(step).make(run)
    references = run.table("references").orderBy("id", "node").collect()
    assert [(r["id"], r["count_in_corpus"], r["picture_in_corpus"], r["drop_reason"]) for r in references] == [
        ("d", 3, 4, "repeated_on_site"),  # the earlier document a stands on x.org too
        ("e", 3, 4, "repeated_on_site"),
        ("f", 3, 4, "repeated_on_site"),
        ("f", 1, 1, None),
    ]


def test_a_document_with_the_pictures_of_an_earlier_run_s_is_one_of_the_same_images(spark, first, run_of, fill, row_of):
    folder = first(decisions={"a": None, "b": "no_images"})
    run = run_of(f"dedup.against=['{folder}']", "dedup_with_images.min_same_images=1", spark=spark)
    seen = row_of(IMAGES, url="v", sha256="t", status="ok", pdq="0" * 60 + "ffff", pdq_quality=100)
    fill(run, "04_images/images", (IMAGES, [seen]))
    fill(run, "01_documents", (DOCUMENTS, [row_of(DOCUMENTS, id="d")]))
    fill(run, "02_unique", (UNIQUE, [row_of(UNIQUE, id="d")]))
    run.step("05_matches/pictures").make(run)
    (picture,) = {row["picture"] for row in run.table("pictures").collect()}
    fill(run, "05_matches/references", (REFERENCES, [row_of(REFERENCES, id="d", node=0, url="v", picture=picture)]))
    run.step("05_matches/duplicates").make(run)
    assert [(r["id"], r["drop_reason"], r["duplicate_of"]) for r in run.table("duplicates").collect()] == [
        ("d", "same_images", "a")
    ]
