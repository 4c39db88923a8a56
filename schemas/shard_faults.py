"""What can be wrong with a folder of shards, as `weft verify` lists it: one closed enum, a comment each."""

from __future__ import annotations

from enum import StrEnum


class ShardFault(StrEnum):
    """A fault of the manifest, a tar, a document, an image, an index or the books."""

    MANIFEST_UNREADABLE = "manifest_unreadable"  # absent, no JSON, or keys of another kind than the format's
    MANIFEST_SHARDS = "manifest_shards"  # num_shards and the list of shards disagree, or names are not 0 to N-1
    STRAY_FILE = "stray_file"  # a tar or index that the manifest does not name
    TAR_MISSING = "tar_missing"
    TAR_CHECKSUM = "tar_checksum"  # size or SHA-256 differ from the manifest
    TAR_CUT = "tar_cut"  # ends inside a member, or without the two blocks that end a tar
    TAR_HEADER = "tar_header"  # a header that cannot be read
    TAR_TAIL = "tar_tail"  # bytes after the end
    MEMBER_HEADER = "member_header"  # time, owner, mode, kind or name are not the fixed ones
    MEMBER_ORDER = "member_order"  # not JSON first and then the images by name
    KEY_NAME = "key_name"  # a key that is not 32 hex digits
    KEY_ORDER = "key_order"  # keys that do not rise
    KEY_TWICE = "key_twice"
    KEY_RANGE = "key_range"  # the key belongs into another shard
    KEY_DOCUMENT = "key_document"  # the key is not the id of what the JSON describes
    JSON_UNREADABLE = "json_unreadable"
    JSON_SCHEMA = "json_schema"  # a key absent, unknown or of another type
    LISTS = "lists"  # texts, images, roles and metadata do not run in parallel
    SCORES = "scores"  # similarity matrix, matched texts and scores do not fit
    RECIPE = "recipe"  # made by another recipe than the manifest says
    IMAGE_MISSING = "image_missing"  # the JSON names an image that the tar lacks
    IMAGE_UNNAMED = "image_unnamed"  # the tar holds an image that the JSON does not name
    IMAGE_CHECKSUM = "image_checksum"  # SHA-256 differs from the JSON
    IMAGE_SIZE = "image_size"  # width or height differ from the JSON
    IMAGE_FORMAT = "image_format"  # no bare baseline JPEG: metadata, progressive, RGB, bytes after the end
    IMAGE_UNDECODABLE = "image_undecodable"
    INDEX_MISSING = "index_missing"
    INDEX_UNREADABLE = "index_unreadable"  # no Parquet, or other columns
    INDEX_KEYS = "index_keys"  # index and tar hold different documents
    INDEX_MEMBERS = "index_members"  # offset, length or checksum of a member differ
    INDEX_NODES = "index_nodes"  # nodes differ from the JSON
    COUNTS = "counts"  # documents or images of a shard differ from the manifest
    TOTALS = "totals"  # totals of the manifest differ from the sum over the shards
    FEATURES = "features"  # the features do not name every image that there is
    BOOKS = "books"  # the report's books do not balance, or report or commit records speak of other shards
    FORGOTTEN = "forgotten"  # something that was to be forgotten is still there
