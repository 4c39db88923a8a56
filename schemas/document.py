"""The tables of the first steps: input files, documents as extracted and judged, which of them are unique."""

from __future__ import annotations

import pyarrow as pa

from schemas.measures import DOCUMENT_MEASURES, NODE_MEASURES
from schemas.table import Table, column, inner

COUNT = pa.struct(
    [
        inner("record_type", pa.string(), "WARC-Type, or arc"),
        inner("status", pa.int32(), "HTTP status, null where there is none"),
        inner("content_type", pa.string(), "media type without parameters, null where there is none"),
        inner("drop_reason", pa.string(), "a RecordReason, null for a page"),
        inner("records", pa.int64(), "how many"),
    ]
)

TROUBLE = pa.struct(
    [
        inner("offset", pa.int64(), "where it begins in the file", unit="B"),
        inner("reason", pa.string(), "a RecordReason or DocumentReason"),
    ]
)

INPUTS = Table(
    name="inputs",
    version=1,
    doc="Input files as read; where pointers name many records of one file, a row for each piece of work.",
    key=("warc_filename", "num_bytes"),
    columns=(
        column("warc_filename", pa.string(), "name of the archive, never a local folder"),
        column("num_bytes", pa.int64(), "size of the file, or of the ranges asked for", unit="B"),
        column("num_records", pa.int64(), "records met, damaged stretches counted as one each"),
        column("num_pages", pa.int64(), "records that are pages, and so rows of documents"),
        column("counts", pa.list_(COUNT), "records by type, status, content type and reason"),
        column("troubles", pa.list_(TROUBLE), "damaged and crashed records, the first 1,000"),
    ),
    budget_bytes=20_000,
)

NODE = pa.struct(
    [
        inner("role", pa.string(), "heading1..6, paragraph, list_item, quote, code, table, caption or image"),
        inner("text", pa.string(), "the text, null for an image"),
        inner("image_url", pa.string(), "absolute URL, or data:sha256,HEX; null for a text"),
        inner("alt", pa.string(), "alternative text of an image"),
        inner("title", pa.string(), "title of an image"),
        inner("caption", pa.string(), "caption of an image"),
        inner("width", pa.int32(), "width as the page declares it", unit="px"),
        inner("height", pa.int32(), "height as the page declares it", unit="px"),
        inner("found_by", pa.string(), "src, srcset, picture, noscript, a lazy-loading attribute, ..."),
        inner("link_density", pa.float32(), "share of the text's characters inside links"),
        inner("language", pa.string(), "fastText label of a text long enough to tell"),
        inner("text_hash", pa.int64(), "hash of the normalised text"),
        inner("num_words", pa.int32(), "words of the text"),
        inner("num_tokens", pa.int32(), "tokens of the text, where it is kept", unit="tokens"),
        inner("measures", NODE_MEASURES, "what the node rules look at; null for an image"),
        inner("drop_reason", pa.string(), "a NodeReason or ReferenceReason, null if kept"),
    ]
)

DROPPED_IMAGE = pa.struct(
    [
        inner("url", pa.string(), "URL as far as it could be resolved"),
        inner("drop_reason", pa.string(), "a ReferenceReason"),
    ]
)

MASKED = pa.struct(
    [
        inner("kind", pa.string(), "email, phone, ip_address, card or iban"),
        inner("count", pa.int32(), "how many were replaced by <kind>"),
    ]
)

LANGUAGE_SHARE = pa.struct(
    [
        inner("language", pa.string(), "fastText label without prefix"),
        inner("share", pa.float64(), "of the characters of the nodes that were identified, 4 decimals"),
    ]
)

DOCUMENTS = Table(
    name="documents",
    version=4,
    doc="HTML pages that were read: text and images in page order, measured and judged.",
    key=("warc_filename", "warc_record_offset"),
    columns=(
        column("id", pa.string(), "document id, 32 hex digits (design, section 3)"),
        column("url", pa.string(), "target URI as recorded"),
        column("url_key", pa.string(), "canonical form of the URL, to find later captures of the same page"),
        column("site", pa.string(), "registrable domain"),
        column("warc_filename", pa.string(), "name of the archive"),
        column("warc_record_offset", pa.int64(), "where the record begins", unit="B"),
        column("warc_record_length", pa.int64(), "length of the record as stored", unit="B"),
        column("payload_digest", pa.string(), "sha1:BASE32 of the HTTP body after transfer decoding"),
        column("fetched_at", pa.timestamp("us", tz="UTC"), "capture time"),
        column("crawl", pa.string(), "e.g. CC-MAIN-2024-22, where name or warcinfo says so", nullable=True),
        column("num_html_bytes", pa.int64(), "size of the body", unit="B"),
        column("charset", pa.string(), "encoding that the page was read with", nullable=True),
        column("title", pa.string(), "title of the page", nullable=True),
        column("author", pa.string(), "author, where the page says", nullable=True),
        column("date", pa.string(), "date of publication, where the page says", nullable=True),
        column("licence", pa.string(), "URL of rel=license", nullable=True),
        column("declared_language", pa.string(), "lang of the page", nullable=True),
        column("consent", pa.list_(pa.string()), "consent signals found, e.g. meta:noimageai"),
        column("images_opted_out", pa.bool_(), "the page says that its images may not be used"),
        column("language", pa.string(), "fastText label without prefix", nullable=True),
        column("language_score", pa.float64(), "its probability, 4 decimals", nullable=True),
        column("language_shares", pa.list_(LANGUAGE_SHARE), "largest first; empty where nodes are not identified"),
        column("masked", pa.list_(MASKED), "personal data that was masked"),
        column("nodes", pa.list_(NODE), "text and images in page order; empty where the page opted out"),
        column("dropped_images", pa.list_(DROPPED_IMAGE), "images of the page that never became nodes"),
        column("num_words", pa.int32(), "words of the kept text nodes"),
        column("num_tokens", pa.int32(), "tokens of the kept text nodes", unit="tokens"),
        column("measures", DOCUMENT_MEASURES, "what the document rules look at", nullable=True),
        column(
            "contaminated_runs",
            pa.int32(),
            "runs of words that stand in the evaluation sets; null where the recipe names none",
            nullable=True,
        ),
        column("text_hash", pa.string(), "hash of the normalised text of all nodes as extracted", nullable=True),
        column("signature", pa.binary(), "MinHash signature, little-endian uint32", nullable=True),
        column(
            "shingles",
            pa.binary(),
            "sorted hashes of the shingles, uint32: the smallest `minhash.sketch_size` of them, or all",
            nullable=True,
        ),
        column(
            "not_scored",
            pa.list_(pa.string()),
            "measures that this language or recipe has no model or list for",
        ),
        column("drop_reason", pa.string(), "a DocumentReason, null if kept", nullable=True),
    ),
    budget_bytes=16_000,
)

UNIQUE = Table(
    name="unique",
    version=3,
    doc="Documents that 01 kept, with what deduplication decided.",
    key=("warc_filename", "warc_record_offset"),
    columns=(
        column("id", pa.string(), "document id"),
        column("warc_filename", pa.string(), "name of the archive"),
        column("warc_record_offset", pa.int64(), "where the record begins", unit="B"),
        column("url_key", pa.string(), "canonical form of the URL"),
        column("site", pa.string(), "registrable domain"),
        column("text_hash", pa.string(), "hash of the normalised text"),
        column("signature", pa.binary(), "MinHash signature, kept for later crawls", nullable=True),
        column("shingles", pa.binary(), "as in documents, kept for later crawls", nullable=True),
        column("duplicate_of", pa.string(), "id of the document that is kept instead", nullable=True),
        column("dropped_nodes", pa.list_(pa.int32()), "nodes that repeat over the site, as indices into nodes"),
        column("spared_nodes", pa.int32(), "nodes that repeat over the site and stay: they are the document's core"),
        column("drop_reason", pa.string(), "a DocumentReason, null if kept", nullable=True),
    ),
    budget_bytes=3_500,
)

DECISIONS = Table(
    name="decisions",
    version=1,
    doc="Documents that 02 kept, as they go into the shards or not.",
    key=("id",),
    columns=(
        column("id", pa.string(), "document id"),
        column("num_images", pa.int32(), "images left"),
        column("num_image_nodes", pa.int32(), "images that the page showed in its content"),
        column("num_texts", pa.int32(), "text nodes left"),
        column("num_words", pa.int32(), "words left"),
        column("num_tokens", pa.int32(), "tokens left", unit="tokens"),
        column("num_bytes", pa.int64(), "about what it takes in a shard", unit="B"),
        column("tier", pa.string(), "loose, strict or empty"),
        column("drop_reason", pa.string(), "a DocumentReason, null if it goes into a shard", nullable=True),
    ),
    budget_bytes=80,
)
