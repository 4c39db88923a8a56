import random

import pytest

from pipeline.assemble import Config, Strict, make, shard_number
from schemas.document import DECISIONS, DOCUMENTS, UNIQUE
from schemas.errors import ConfigError
from schemas.image import IMAGES, MATCHES


@pytest.mark.parametrize(
    "wrong",
    [
        {"min_images": -1},
        {"max_images": 1001},
        {"min_images": 5, "max_images": 4},
        {"min_words_per_image": -1},
        {"words_from_images": 0},
        {"single_image_share": 1.1},
    ],
)
def test_bounds_that_cannot_hold_are_refused(wrong):
    with pytest.raises(ConfigError):
        Config(**wrong)


@pytest.mark.parametrize("wrong", [{"min_images": 3, "max_images": 2}, {"min_matched_share": 2}, {"min_words": -1}])
def test_bounds_of_a_tier_that_cannot_hold_are_refused(wrong):
    with pytest.raises(ConfigError, match=r"assemble\.strict"):
        Strict(**wrong)


# id (whose last 8 digits are the draw), images, words of each of two texts, scores of the images
MADE = [
    ("0" * 32, 1, 10, [0.3]),  # one image, drawn first
    ("0" * 24 + "7fffffff", 1, 10, [0.3]),  # the last that half of them keeps
    ("0" * 24 + "80000000", 1, 10, [0.3]),  # the first that it does not
    ("1" * 32, 3, 15, [0.25, 0.2, 0.3]),  # ten words an image
    ("2" * 32, 3, 14, [0.3, 0.3, 0.3]),  # nine
    ("3" * 32, 2, 1, [None, 0.3]),  # below the number of images that the rule begins with
]


def test_whole_documents_are_judged_and_told_apart_by_tier(spark, run_of, fill, row_of, node_of):
    run = run_of(
        "assemble.min_words_per_image=10",
        "assemble.words_from_images=3",
        "assemble.single_image_share=0.5",
        "assemble.tiers=true",
        "assemble.strict.min_images=2",
        "assemble.strict.min_matched_share=0.6",
        spark=spark,
    )
    documents, unique, matches = [], [], []
    for number, (name, images, words, scores) in enumerate(MADE):
        place = {"id": name, "warc_filename": "a", "warc_record_offset": number}
        nodes = [node_of(text="text", num_words=words, num_tokens=words) for _ in range(2)]
        nodes += [node_of(image_url="u") for _ in range(images)]
        documents.append(row_of(DOCUMENTS, nodes=nodes, **place))
        unique.append(row_of(UNIQUE, **place))
        matches += [row_of(MATCHES, id=name, node=2 + n, url="u", clip_score=score) for n, score in enumerate(scores)]
    fill(run, "01_documents", (DOCUMENTS, documents))
    fill(run, "02_unique", (UNIQUE, unique))
    fill(run, "04_images/images", (IMAGES, [row_of(IMAGES, url="u", store_length=10)]))
    fill(run, "05_matches/matches", (MATCHES, matches))
    make(run)
    found = run.table(DECISIONS.name).orderBy("id").select("drop_reason", "tier").collect()
    assert [(row["drop_reason"], row["tier"]) for row in found] == [
        (None, "loose"),
        (None, "loose"),
        ("sampled_out", "loose"),
        (None, "strict"),
        ("few_words_per_image", "strict"),
        (None, "loose"),
    ]


@pytest.mark.spark
@pytest.mark.parametrize("shards", [1, 2, 3, 7, 1000, 1 << 20])
def test_the_shard_of_a_key_is_exact_also_at_the_borders(spark, shards):
    draw = random.Random(shards)
    borders = [-(-(n << 128) // shards) for n in range(min(shards, 50))]
    keys = [draw.getrandbits(128) for _ in range(50)] + [k + d for k in borders for d in (-1, 0, 1)]
    keys = [key for key in keys if 0 <= key < 1 << 128] + [(1 << 128) - 1]
    rows = spark.createDataFrame([(f"{key:032x}",) for key in keys], "id string")
    found = {row["id"]: row["shard"] for row in rows.select("id", shard_number(shards).alias("shard")).collect()}
    assert found == {f"{key:032x}": key * shards >> 128 for key in keys}


@pytest.mark.spark
def test_what_a_detector_sees_in_an_icon_takes_no_document_with_it(spark, run_of, row_of, node_of, fill):
    run = run_of("nsfw.action=drop_document", "images.min_side=150", "assemble.min_images=0", spark=spark)
    sides = {"icon": (149, 300), "large": (150, 300), "unknown": (None, None)}
    node = node_of(text="A text.", num_words=2, num_tokens=3)
    documents, unique, matches, images = [], [], [], []
    for number, (name, (width, height)) in enumerate(sides.items()):
        place = {"id": name, "warc_filename": "w", "warc_record_offset": number}
        documents.append(row_of(DOCUMENTS, **place, nodes=[node, node_of(image_url=name)]))
        unique.append(row_of(UNIQUE, **place))
        matches.append(row_of(MATCHES, id=name, url=name, node=1, drop_reason="file:nsfw"))
        images.append(row_of(IMAGES, url=name, width=width, height=height, drop_reason="file:nsfw"))
    fill(run, "01_documents", (DOCUMENTS, documents))
    fill(run, "02_unique", (UNIQUE, unique))
    fill(run, "05_matches/matches", (MATCHES, matches))
    fill(run, "04_images/images", (IMAGES, images))
    make(run)
    decided = {row["id"]: row["drop_reason"] for row in run.table("decisions").collect()}
    assert decided == {"icon": None, "large": "nsfw", "unknown": "nsfw"}
