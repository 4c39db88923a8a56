"""The measures by name, as objects. What each means: `schemas.measures`."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True, kw_only=True)
class NodeMeasures:
    """Of one text node."""

    num_chars: int
    num_words: int
    mean_word_length: float
    character_repetition: float
    word_repetition: float
    special_characters: float
    punctuation: float
    terminal_punctuation: bool
    upper_case: float
    digits: float
    emoji: float
    urls: float
    stop_words: float | None
    flagged_words: float | None
    spam_words: float
    perplexity: float | None


@dataclass(slots=True, kw_only=True)
class DocumentMeasures:
    """Of all text nodes of a document together."""

    num_nodes: int
    num_chars: int
    num_words: int
    max_node_words: int
    mean_node_words: float
    mean_word_length: float
    character_repetition: float
    word_repetition: float
    special_characters: float
    punctuation: float
    upper_case: float
    digits: float
    emoji: float
    urls: float
    stop_words: float | None
    flagged_words: float | None
    spam_words: float
    alphabetic_words: float
    gopher_stop_words: int | None
    hashes: float
    ellipses: float
    num_lines: int
    bullet_lines: float
    ellipsis_lines: float
    terminal_lines: float
    short_lines: float
    line_breaks: float
    duplicate_lines: float
    duplicate_line_chars: float
    duplicate_paragraphs: float
    duplicate_paragraph_chars: float
    top_2gram: float
    top_3gram: float
    top_4gram: float
    duplicate_5grams: float
    duplicate_6grams: float
    duplicate_7grams: float
    duplicate_8grams: float
    duplicate_9grams: float
    duplicate_10grams: float
    c4_sentences: int
    curly_brackets: int
    lorem_ipsum: int
    perplexity: float | None
    quality: float | None
    link_density: float | None = None
    """Of the nodes as extraction saw them; the text alone does not say."""
