"""The tables of images: links to fetch, answers, files and their measures, images in documents."""

from __future__ import annotations

import pyarrow as pa

from schemas.table import Table, column, inner

_ADDRESS = (
    column("store_file", pa.string(), "tar that holds the bytes, relative to the output folder", nullable=True),
    column("store_offset", pa.int64(), "where the bytes begin in it", unit="B", nullable=True),
    column("store_length", pa.int64(), "how many there are", unit="B", nullable=True),
)

_LOOKS = (
    column("format", pa.string(), "jpeg, png, webp, gif, avif, bmp, tiff", nullable=True),
    column("mode", pa.string(), "stored pixels: 1, L, P, RGB, RGBA, CMYK, ...", nullable=True),
    column("width", pa.int32(), "width as a reader sees it (turned)", unit="px", nullable=True),
    column("height", pa.int32(), "height as a reader sees it (turned)", unit="px", nullable=True),
    column("orientation", pa.int32(), "EXIF orientation, 1 to 8", nullable=True),
    column("animated", pa.bool_(), "more than one frame; measures are of the first", nullable=True),
    column("entropy", pa.float64(), "of the grey histogram", unit="bits", nullable=True),
    column(
        "colour_spread",
        pa.int32(),
        "largest range of a channel over an average of 32 to 63 px, 0 to 255",
        nullable=True,
    ),
    column("sharpness", pa.float64(), "variance of the Laplacian of the grey picture at 64 to 127 px", nullable=True),
    column("phash", pa.string(), "64-bit DCT hash, 16 hex digits", nullable=True),
    column("pdq", pa.string(), "PDQ hash, 256 bits, 64 hex digits", nullable=True),
    column("pdq_quality", pa.int32(), "PDQ's quality, 0 (flat: the hash means nothing) to 100", nullable=True),
    column("text_share", pa.float64(), "share of tiles that look like letters, 0 to 1, 4 decimals", nullable=True),
    column("nsfw_score", pa.float64(), "score of the recipe's NSFW model, 4 decimals", nullable=True),
    column("num_faces", pa.int32(), "faces found by the NSFW model", nullable=True),
    column("nsfw_head_score", pa.float64(), "score of [nsfw_head], 4 decimals", nullable=True),
    column("watermark_score", pa.float64(), "score of [watermark], 4 decimals", nullable=True),
    column("aesthetic_score", pa.float64(), "score of [aesthetic], 4 decimals", nullable=True),
)

LOOKS = tuple(field.name for field in _LOOKS)
"""Names of the measures of an image file."""

SCORES = ("nsfw_score", "num_faces", "nsfw_head_score", "watermark_score", "aesthetic_score")
"""Those of them that a model gives."""

LINKS = Table(
    name="links",
    version=1,
    doc="Distinct image URLs of the pages that 02 kept.",
    key=("url",),
    columns=(
        column("url", pa.string(), "absolute URL, or data:sha256,HEX"),
        column("host_group", pa.string(), "registrable domain, which shares one rate limit"),
        column("num_references", pa.int64(), "images in documents that have it, pages that opted out left aside"),
        column("num_opted_out", pa.int64(), "images in documents of pages that say noimageai or noimageindex"),
        column("drop_reason", pa.string(), "a UrlReason, null if it is to be fetched", nullable=True),
    ),
    budget_bytes=200,
)

DATA_IMAGES = Table(
    name="data_images",
    version=2,
    doc="Images that stand in their page as data: URLs; their bytes go into the image store as the page is read, but"
    " for those on a list of fetch.block_lists.",
    key=("url", "store_file", "store_offset"),
    columns=(
        column("url", pa.string(), "data:sha256,HEX"),
        column("sha256", pa.string(), "of the bytes, hex"),
        *_ADDRESS,
        column("blocked", pa.string(), "why the bytes are not kept, null where they are", nullable=True),
    ),
    budget_bytes=150,
)

_HEADER = pa.struct(
    [inner("name", pa.string(), "in lower case"), inner("value", pa.string(), "several of one name joined by commas")]
)

LEDGER = Table(
    name="ledger",
    version=2,
    doc="Answers to image URLs, one row for each time a URL was asked in a round; the last round counts.",
    key=("url", "round"),
    columns=(
        column("url", pa.string(), "as asked"),
        column("round", pa.int32(), "round of fetching, from 0"),
        column("status", pa.string(), "a FetchStatus"),
        column("http_status", pa.int32(), "status code of the last answer", nullable=True),
        column("attempts", pa.int32(), "requests made, redirects not counted; 0 where none was needed or allowed"),
        column("final_url", pa.string(), "after redirects; of a deferred URL, where to go on", nullable=True),
        column("redirects", pa.int32(), "that were followed"),
        column("content_type", pa.string(), "as the server says", nullable=True),
        column("headers", pa.list_(_HEADER), "of the last answer, those that a repeat or an objection needs"),
        column("num_bytes", pa.int64(), "bytes received", unit="B"),
        column("seconds", pa.float64(), "in requests, without waiting for turns", unit="s"),
        column("fetched_at", pa.timestamp("us", tz="UTC"), "when the last attempt ended"),
        column("sha256", pa.string(), "of the bytes received, hex; null where they are not kept", nullable=True),
        *_ADDRESS,
        column("detail", pa.string(), "what the error said, or where the bytes were taken from", nullable=True),
    ),
    budget_bytes=400,
)

ATTEMPTS = Table(
    name="attempts",
    version=1,
    doc="Each request for an image URL, redirects included: a log to which every round adds.",
    key=("url", "round", "number"),
    columns=(
        column("url", pa.string(), "as in ledger"),
        column("round", pa.int32(), "as in ledger"),
        column("number", pa.int32(), "of the request, from 0"),
        column("asked", pa.string(), "the URL that was asked: after a redirect, its target"),
        column("status", pa.string(), "a FetchStatus; http_other for a redirect"),
        column("http_status", pa.int32(), "status code", nullable=True),
        column("num_bytes", pa.int64(), "bytes received", unit="B"),
        column("seconds", pa.float64(), "of the request", unit="s"),
        column("ended_at", pa.timestamp("us", tz="UTC"), "when it ended"),
        column("detail", pa.string(), "what the error said, cut at 200 characters", nullable=True),
    ),
    budget_bytes=200,
)

FILES = Table(
    name="files",
    version=2,
    doc="Distinct image bytes, measured and scored.",
    key=("sha256",),
    columns=(
        column("sha256", pa.string(), "of the bytes as fetched, hex"),
        *_ADDRESS,
        *_LOOKS,
        column("failure", pa.string(), "a FileReason, where the bytes could not be measured", nullable=True),
    ),
    budget_bytes=300,
)

IMAGES = Table(
    name="images",
    version=2,
    doc="Image URLs that 03 kept, exactly one row each: latest answer, measures, decision.",
    key=("url",),
    columns=(
        column("url", pa.string(), "as in links"),
        column("num_references", pa.int64(), "images in documents that have it"),
        column("status", pa.string(), "a FetchStatus"),
        column("sha256", pa.string(), "of the bytes as fetched, hex", nullable=True),
        *_ADDRESS,
        *_LOOKS,
        column("drop_reason", pa.string(), "fetch: and a FetchStatus, or file: and a FileReason", nullable=True),
    ),
    budget_bytes=350,
)

PICTURES = Table(
    name="pictures",
    version=2,
    doc="Image files that may be used, earlier runs' too, by the picture that they show: files whose PDQ hashes are"
    " near one leader's.",
    key=("sha256",),
    columns=(
        column("sha256", pa.string(), "of the bytes as fetched, hex"),
        column(
            "picture", pa.string(), "sha256 of the first file with the leader's hash; its own where it stands alone"
        ),
        column("distance", pa.int32(), "bits between its hash and the leader's", unit="bits"),
    ),
    budget_bytes=150,
)

REFERENCES = Table(
    name="references",
    version=2,
    doc="Images in documents whose pages do not opt out, after their URLs and files were judged and repeats counted.",
    key=("id", "node"),
    columns=(
        column("id", pa.string(), "document id"),
        column("node", pa.int32(), "index into the document's nodes"),
        column("url", pa.string(), "as in links"),
        column("sha256", pa.string(), "of the bytes as fetched, hex", nullable=True),
        column("count_in_corpus", pa.int64(), "documents of this run whose page shows these bytes", nullable=True),
        column("picture", pa.string(), "as in pictures; null where the file may not be used", nullable=True),
        column("picture_on_site", pa.int64(), "documents of its site that show the picture", nullable=True),
        column("picture_in_corpus", pa.int64(), "documents of this run that show the picture", nullable=True),
        column("drop_reason", pa.string(), "a ReferenceReason, or url:, fetch:, file: and theirs", nullable=True),
    ),
    budget_bytes=250,
)

DUPLICATES = Table(
    name="duplicates",
    version=2,
    doc="Documents that may show images, compared by them.",
    key=("id",),
    columns=(
        column("id", pa.string(), "document id"),
        column("num_images", pa.int32(), "distinct pictures that it may show"),
        column("duplicate_of", pa.string(), "id of the document that is kept instead", nullable=True),
        column("drop_reason", pa.string(), "a DocumentReason, null if kept", nullable=True),
    ),
    budget_bytes=150,
)

EMBEDDINGS = Table(
    name="embeddings",
    version=1,
    doc="CLIP embeddings of image files, one row a file and model.",
    key=("sha256",),
    columns=(
        column("sha256", pa.string(), "of the bytes as fetched, hex"),
        column("embedding", pa.list_(pa.float32()), "unit length; empty where the file could not be embedded"),
    ),
    budget_bytes=4_000,
)

PERCENTILES = Table(
    name="percentiles",
    version=1,
    doc="Percentiles of the CLIP scores of a run: a cosine means something only beside the others of its model.",
    key=("model", "percent"),
    columns=(
        column("model", pa.string(), "clip.model and clip.pretrained of the recipe"),
        column("percent", pa.int32(), "0 to 100: this part of the scored images has the score or less"),
        column("clip_score", pa.float64(), "cosine with the assigned text, 4 decimals"),
        column("best_score", pa.float64(), "cosine with the most similar text of the document, 4 decimals"),
    ),
    budget_bytes=40,
)

MATCHES = Table(
    name="matches",
    version=1,
    doc="Images in documents with their scores against the document's texts, and the last decision on them.",
    key=("id", "node"),
    columns=(
        column("id", pa.string(), "document id"),
        column("node", pa.int32(), "index into the document's nodes"),
        column("url", pa.string(), "as in links"),
        column("sha256", pa.string(), "of the bytes as fetched, hex", nullable=True),
        column("count_in_corpus", pa.int64(), "documents of this run whose page shows these bytes", nullable=True),
        column(
            "similarity",
            pa.list_(pa.float64()),
            "cosine with each kept text node in page order, 4 decimals; null where not scored",
            nullable=True,
        ),
        column("matched_node", pa.int32(), "index into nodes of the text that it was assigned", nullable=True),
        column("clip_score", pa.float64(), "cosine with that text, 4 decimals", nullable=True),
        column("drop_reason", pa.string(), "a ReferenceReason, or url:, fetch:, file: and theirs", nullable=True),
    ),
    budget_bytes=400,
)
