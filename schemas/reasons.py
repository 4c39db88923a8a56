"""Why a thing is dropped: one closed enum for each unit of the books.

The value of a member is what `drop_reason` holds on disk and what the report shows; a member's comment is its
documentation (`docs/reasons.md` is generated from this file). A reason names the defect, never the rule's success.
Where the first of several broken rules is recorded, the order of the enum is the order of the rules.
"""

from __future__ import annotations

import ast
from enum import StrEnum
from functools import cache
from importlib import resources


class RecordReason(StrEnum):
    """Why a record of an archive gives no page (unit `record`)."""

    NOT_A_RESPONSE = "not_a_response"  # request, metadata, warcinfo, revisit, resource, conversion, ...
    NOT_HTTP = "not_http"  # a response without an HTTP status line (dns:, ftp:, ...)
    STATUS = "status"  # HTTP status other than 200
    CONTENT_TYPE = "content_type"  # not text/html or application/xhtml+xml
    TOO_LARGE = "too_large"  # body over `read_warc.max_body_bytes`
    BAD_HEADER = "bad_header"  # no or unreadable target URI or date
    BAD_ENCODING = "bad_encoding"  # transfer or content encoding that cannot be undone
    DAMAGED = "damaged"  # bytes between two readable records, or a cut record
    NOT_AN_ARCHIVE = "not_an_archive"  # the file holds no record at all


class DocumentReason(StrEnum):
    """Why a document is dropped (unit `document`), in the order of the steps."""

    CRASHED = "crashed"  # the worker died on it
    OVER_TIME = "over_time"  # the watchdog ended the worker on it
    OVER_MEMORY = "over_memory"  # it asked for more memory than a worker may have
    OPTED_OUT = "opted_out"  # noai, noml or a text-and-data-mining reservation on the page or its response
    BLOCKED = "blocked"  # its URL is on a list of hosts, URLs or words
    TOO_MANY_BYTES = "too_many_bytes"  # more bytes than extraction takes of a page
    TOO_MANY_ELEMENTS = "too_many_elements"  # more elements than extraction takes of a page
    TOO_DEEP = "too_deep"  # elements nested deeper than extraction goes
    EXTRACT_FAILED = "extract_failed"  # the parser gave no tree, or a text that is no UTF-8
    NO_TEXT = "no_text"  # nothing that a reader would read
    LANGUAGE = "language"  # not a language that the recipe asks for
    LANGUAGE_SCORE = "language_score"  # language not sure enough
    TOO_FEW_WORDS = "too_few_words"  # fewer words than the bound
    TOO_MANY_WORDS = "too_many_words"  # more words than the bound
    SHORT_NODES = "short_nodes"  # no long node, and short ones on average (OmniCorpus)
    SHORT_WORDS = "short_words"  # mean word length below the bound
    LONG_WORDS = "long_words"  # mean word length above the bound
    CHARACTER_REPETITION = "character_repetition"  # runs of characters that stand several times make up too much of it
    WORD_REPETITION = "word_repetition"  # runs of words that stand several times make up too much of it
    SPECIAL_CHARACTERS = "special_characters"  # digits, signs and emoji make up too much of it
    FEW_STOP_WORDS = "few_stop_words"  # too few of the small words that sentences of its language are full of
    FLAGGED_WORDS = "flagged_words"  # words of the list for unsafe text make up too much of it
    LITTLE_PUNCTUATION = "little_punctuation"  # too few punctuation marks for prose
    PERPLEXITY = "perplexity"  # a language model finds it unlike the text that it knows
    LOW_QUALITY = "low_quality"  # a fastText classifier finds it unlike good text
    SYMBOLS = "symbols"  # '#' and ellipsis to words (Gopher)
    BULLET_LINES = "bullet_lines"  # too many lines begin with a bullet (Gopher)
    ELLIPSIS_LINES = "ellipsis_lines"  # too many lines end in an ellipsis: teasers (Gopher)
    FEW_ALPHABETIC_WORDS = "few_alphabetic_words"  # too few words have a letter (Gopher)
    DUPLICATE_LINES = "duplicate_lines"  # lines that stand twice make up too much of it (Gopher)
    DUPLICATE_PARAGRAPHS = "duplicate_paragraphs"  # paragraphs that stand twice make up too much of it (Gopher)
    TOP_NGRAM = "top_ngram"  # its most frequent run of words makes up too much of it (Gopher)
    DUPLICATE_NGRAMS = "duplicate_ngrams"  # runs of words that stand twice make up too much of it (Gopher)
    SPAM_WORDS = "spam_words"  # share, comment, cookie, ... (OBELICS 13)
    LINKS = "links"  # web addresses, or text inside links, make up too much of it
    FEW_TERMINAL_LINES = "few_terminal_lines"  # too few lines end like a sentence (FineWeb)
    SHORT_LINES = "short_lines"  # too many short lines (FineWeb)
    LINE_BREAKS = "line_breaks"  # too many lines for its words: a list (FineWeb)
    LOREM_IPSUM = "lorem_ipsum"  # holds the placeholder text of designers (C4)
    CURLY_BRACKETS = "curly_brackets"  # holds program text (C4)
    FEW_SENTENCES = "few_sentences"  # fewer sentences than the bound (C4)
    CONTAMINATED = "contaminated"  # shares runs of words with an evaluation set
    SAME_RECORD = "same_record"  # the same record was met twice
    SAME_URL = "same_url"  # a later capture of the same URL is kept
    SAME_TEXT = "same_text"  # a later capture of the same text is kept
    NEAR_DUPLICATE = "near_duplicate"  # MinHash says another document says the same
    SAME_IMAGES = "same_images"  # another document shows the same set of images
    NO_IMAGES = "no_images"  # none of its images is left
    TOO_MANY_IMAGES = "too_many_images"  # more images than `assemble.max_images`
    FEW_WORDS_PER_IMAGE = "few_words_per_image"  # too few words for its images (OmniCorpus)
    SAMPLED_OUT = "sampled_out"  # one image only, and not in the share of those that is kept (KOSMOS-1)
    NSFW = "nsfw"  # an image of it is not safe, and the recipe drops the document for that
    FORGOTTEN = "forgotten"  # its address was to be forgotten: `weft forget`


class NodeReason(StrEnum):
    """Why a text node is dropped (unit `node`)."""

    DOCUMENT = "document"  # its document is dropped
    TOO_FEW_WORDS = "too_few_words"  # fewer words than the bound
    TOO_MANY_WORDS = "too_many_words"  # more words than the bound
    CHARACTER_REPETITION = "character_repetition"  # runs of characters that stand several times make up too much of it
    WORD_REPETITION = "word_repetition"  # runs of words that stand several times make up too much of it
    SPECIAL_CHARACTERS = "special_characters"  # digits, signs and emoji make up too much of it
    FEW_STOP_WORDS = "few_stop_words"  # too few of the small words that sentences of its language are full of
    FLAGGED_WORDS = "flagged_words"  # words of the list for unsafe text make up too much of it
    LITTLE_PUNCTUATION = "little_punctuation"  # too few punctuation marks for prose
    NO_TERMINAL_PUNCTUATION = "no_terminal_punctuation"  # does not end like a sentence (C4)
    LANGUAGE = "language"  # not of the language that the recipe asks for
    PERPLEXITY = "perplexity"  # a language model finds it unlike the text that it knows
    SPAM_WORDS = "spam_words"  # share, comment, cookie, ... (OBELICS 13)
    LINKS = "links"  # web addresses make up too much of it
    REPEATED_ON_SITE = "repeated_on_site"  # the same paragraph more than twice on one domain (OBELICS 09)


class ReferenceReason(StrEnum):
    """Why an image in a document is dropped (unit `reference`), besides what happened to its URL or file.

    A reference whose URL was dropped carries `url:` and a `UrlReason`, `fetch:` and a `FetchStatus`, or `file:`
    and a `FileReason`.
    """

    DOCUMENT = "document"  # its document is dropped
    PLACEHOLDER = "placeholder"  # stands for an image that a script would load
    TRACKING_PIXEL = "tracking_pixel"  # counts visits; there is nothing to see
    ICON = "icon"  # a sign of the page, by its size, class or address
    AVATAR = "avatar"  # a portrait of who wrote or commented
    ADVERT = "advert"  # an advertisement
    SHARE_BUTTON = "share_button"  # a button to share the page
    RELATED_STRIP = "related_strip"  # in a strip of links to other pages
    FURNITURE = "furniture"  # in navigation, header, footer, sidebar, ...
    HIDDEN = "hidden"  # a reader does not see it
    INLINE_SVG = "inline_svg"  # drawn by the page itself; no file to fetch
    DATA_URL = "data_url"  # a data: image that is not a raster image, or over the limit
    BAD_URL = "bad_url"  # the address cannot be resolved
    DUPLICATE_IN_PAGE = "duplicate_in_page"  # the same address stands earlier in the page
    NOT_PLACED = "not_placed"  # og:image and the like: recorded, never placed
    OVER_LIMIT = "over_limit"  # more images in one page than `extract.max_images`
    OPTED_OUT = "opted_out"  # noimageai or noimageindex on the page or its response
    DUPLICATE_IN_DOCUMENT = "duplicate_in_document"  # the same bytes or picture stands earlier in the document
    REPEATED_ON_SITE = "repeated_on_site"  # on more pages of the site than `dedup_images.max_on_site`
    REPEATED_IN_CORPUS = "repeated_in_corpus"  # in more documents than `dedup_images.max_in_corpus`
    SURPLUS = "surplus"  # behind the first `dedup_images.max_in_document` of its document
    LOW_SCORE = "low_score"  # CLIP score with every text below the bound


class UrlReason(StrEnum):
    """Why an image URL is not fetched (unit `url`)."""

    OPTED_OUT = "opted_out"  # every page that shows it says noimageai or noimageindex
    SCHEME = "scheme"  # not http, https or data
    TOO_LONG = "too_long"  # over `image_urls.max_length`
    BANNED_WORD = "banned_word"  # logo, button, icon, ... as a whole word of the path
    EXTENSION = "extension"  # svg, ico, ... that no recipe keeps
    BLOCKED = "blocked"  # host or URL on a list
    HOST_LIMIT = "host_limit"  # over `fetch.max_urls_per_host`
    FORGOTTEN = "forgotten"  # the address was to be forgotten: `weft forget`


class FetchStatus(StrEnum):
    """What became of a fetch (unit `url`); every member but `ok` drops the URL."""

    OK = "ok"  # an image came
    DNS = "dns"  # no address for the host name
    CONNECT = "connect"  # no connection to the server
    TLS = "tls"  # no secure connection to the server
    TIMEOUT = "timeout"  # not done within `fetch.deadline_s`
    HTTP_4XX = "http_4xx"  # not there, or not for us
    HTTP_410 = "http_410"  # gone for good
    HTTP_429 = "http_429"  # asked too often
    HTTP_5XX = "http_5xx"  # the server failed
    HTTP_OTHER = "http_other"  # another HTTP status
    PROTOCOL = "protocol"  # an answer that is not HTTP, or a body that cannot be decoded
    TOO_LARGE = "too_large"  # more bytes than `fetch.max_bytes`
    TOO_SMALL = "too_small"  # too few bytes for an image
    TRUNCATED = "truncated"  # the answer ended early
    NOT_AN_IMAGE = "not_an_image"  # the answer is no image
    DECODE_ERROR = "decode_error"  # an image that cannot be decoded
    REDIRECT_LOOP = "redirect_loop"  # too many redirects
    PRIVATE_ADDRESS = "private_address"  # the host is on a private network
    ROBOTS = "robots"  # robots.txt forbids it
    OPTED_OUT = "opted_out"  # the headers of the answer say noai, noimageai or the like
    BLOCKED_BY_LIST = "blocked_by_list"  # address or bytes are on a list
    FORGOTTEN = "forgotten"  # address or bytes were to be forgotten: `weft forget`
    DEFERRED = "deferred"  # not asked yet: the same command asks again
    CRASHED = "crashed"  # the worker died on it


class FileReason(StrEnum):
    """Why image bytes are not used (unit `file`), in the order of the rules."""

    CRASHED = "crashed"  # the worker died on it
    DECODE_ERROR = "decode_error"  # cannot be decoded
    TOO_MANY_PIXELS = "too_many_pixels"  # more pixels than are decoded
    FORMAT = "format"  # a format that the recipe does not take
    TOO_SMALL = "too_small"  # a side below `images.min_side`
    TOO_LARGE = "too_large"  # a side above `images.max_side`
    ASPECT = "aspect"  # longer than `images.max_aspect` times its width, or wider
    ANIMATED = "animated"  # more than one frame
    SINGLE_COLOUR = "single_colour"  # colours spread less than `images.min_colour_spread`
    LOW_ENTROPY = "low_entropy"  # grey histogram with less entropy than `images.min_entropy`
    BLURRED = "blurred"  # Laplacian variance below `images.min_sharpness`
    LITTLE_TEXT = "little_text"  # fewer tiles that look like letters than `images.min_text_share`
    MANY_FACES = "many_faces"  # more than `images.max_faces`
    WATERMARK = "watermark"  # score outside the bounds of [watermark]
    AESTHETIC = "aesthetic"  # score outside the bounds of [aesthetic]
    CONTAMINATED = "contaminated"  # the picture of an evaluation set
    NSFW = "nsfw"  # the NSFW score is above `nsfw.max_score`
    NSFW_NOT_SCORED = "nsfw_not_scored"  # could not be scored for safety


@cache
def meanings() -> dict[str, dict[str, str]]:
    """By name of the enum and value of the member: the comment beside it."""
    source = (resources.files("schemas") / "reasons.py").read_text("utf-8")
    lines = source.splitlines()
    return {
        node.name: {
            str(ast.literal_eval(member.value)): lines[member.lineno - 1].partition("  # ")[2]
            for member in node.body
            if isinstance(member, ast.Assign)
        }
        for node in ast.parse(source).body
        if isinstance(node, ast.ClassDef)
    }
