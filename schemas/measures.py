"""What is measured of texts: the numbers that rules look at (`filters.text.measures` computes them).

Shares are between 0 and 1. A measure that is null was not taken: its language has no list or model for it.
"""

from __future__ import annotations

import pyarrow as pa

from schemas.table import inner

NODE_MEASURES = pa.struct(
    [
        inner("num_chars", pa.int32(), "characters"),
        inner("num_words", pa.int32(), "words, see filters.text.words"),
        inner("mean_word_length", pa.float64(), "characters of words / words"),
        inner("character_repetition", pa.float64(), "share of the most frequent 10-grams of characters (OBELICS)"),
        inner("word_repetition", pa.float64(), "share of 5-grams of words that occur more than once (OBELICS)"),
        inner("special_characters", pa.float64(), "share of characters that are neither letters nor marks (OBELICS)"),
        inner("punctuation", pa.float64(), ", ; : ? ! . / (words + these) (OBELICS)"),
        inner("terminal_punctuation", pa.bool_(), "ends like a sentence (C4)"),
        inner("upper_case", pa.float64(), "share of letters that are capitals"),
        inner("digits", pa.float64(), "share of characters that are digits"),
        inner("emoji", pa.float64(), "share of characters that are emoji"),
        inner("urls", pa.float64(), "share of characters inside web addresses that stand as text"),
        inner("stop_words", pa.float64(), "share of words that are stop words of the language"),
        inner("flagged_words", pa.float64(), "share of words that are on the list of obscene words of the language"),
        inner("spam_words", pa.float64(), "share of words of share bars and cookie notices (OBELICS 13)"),
        inner("perplexity", pa.float64(), "perplexity a token under the language's KenLM model; null without one"),
    ]
)

DOCUMENT_MEASURES = pa.struct(
    [
        inner("num_nodes", pa.int32(), "text nodes"),
        inner("num_chars", pa.int32(), "characters of the nodes"),
        inner("num_words", pa.int32(), "words"),
        inner("max_node_words", pa.int32(), "words of the longest node (OmniCorpus)"),
        inner("mean_node_words", pa.float64(), "words / nodes (OmniCorpus)"),
        inner("mean_word_length", pa.float64(), "characters of words / words"),
        inner("character_repetition", pa.float64(), "share of the most frequent 10-grams of characters (OBELICS)"),
        inner("word_repetition", pa.float64(), "share of 5-grams of words that occur more than once (OBELICS)"),
        inner("special_characters", pa.float64(), "share of characters that are neither letters nor marks (OBELICS)"),
        inner("punctuation", pa.float64(), ", ; : ? ! . / (words + these) (OBELICS)"),
        inner("upper_case", pa.float64(), "share of letters that are capitals"),
        inner("digits", pa.float64(), "share of characters that are digits"),
        inner("emoji", pa.float64(), "share of characters that are emoji"),
        inner("urls", pa.float64(), "share of characters inside web addresses that stand as text"),
        inner("stop_words", pa.float64(), "share of words that are stop words of the language"),
        inner("flagged_words", pa.float64(), "share of words that are on the list of obscene words of the language"),
        inner("spam_words", pa.float64(), "share of words of share bars and cookie notices (OBELICS 13)"),
        inner("alphabetic_words", pa.float64(), "share of words with a letter (Gopher)"),
        inner(
            "gopher_stop_words",
            pa.int32(),
            "how many of the, be, to, of, and, that, have, with occur in small letters (Gopher); English only",
        ),
        inner("hashes", pa.float64(), "'#' / words (Gopher)"),
        inner("ellipses", pa.float64(), "ellipses / words (Gopher)"),
        inner("num_lines", pa.int32(), "lines that are not blank"),
        inner("bullet_lines", pa.float64(), "share of lines that begin with a bullet (Gopher)"),
        inner("ellipsis_lines", pa.float64(), "share of lines that end with an ellipsis (Gopher)"),
        inner("terminal_lines", pa.float64(), "share of lines that end like a sentence (FineWeb)"),
        inner("short_lines", pa.float64(), "share of lines of at most 30 characters (FineWeb)"),
        inner("line_breaks", pa.float64(), "lines after the first / words (FineWeb)"),
        inner(
            "duplicate_lines", pa.float64(), "share of lines that stood before, case and indentation counted (Gopher)"
        ),
        inner("duplicate_line_chars", pa.float64(), "share of characters in such lines (Gopher, FineWeb)"),
        inner("duplicate_paragraphs", pa.float64(), "share of nodes that stood before (Gopher)"),
        inner("duplicate_paragraph_chars", pa.float64(), "share of characters in such nodes (Gopher)"),
        inner("top_2gram", pa.float64(), "share of characters in the most frequent pair of words (Gopher)"),
        inner("top_3gram", pa.float64(), "share of characters in the most frequent run of 3 words (Gopher)"),
        inner("top_4gram", pa.float64(), "share of characters in the most frequent run of 4 words (Gopher)"),
        inner("duplicate_5grams", pa.float64(), "share of characters in runs of 5 words that stood before (Gopher)"),
        inner("duplicate_6grams", pa.float64(), "share of characters in runs of 6 words that stood before (Gopher)"),
        inner("duplicate_7grams", pa.float64(), "share of characters in runs of 7 words that stood before (Gopher)"),
        inner("duplicate_8grams", pa.float64(), "share of characters in runs of 8 words that stood before (Gopher)"),
        inner("duplicate_9grams", pa.float64(), "share of characters in runs of 9 words that stood before (Gopher)"),
        inner("duplicate_10grams", pa.float64(), "share of characters in runs of 10 words that stood before (Gopher)"),
        inner("c4_sentences", pa.int32(), "sentences in the lines that C4 keeps"),
        inner("curly_brackets", pa.int32(), "'{' in those lines (C4)"),
        inner("lorem_ipsum", pa.int32(), "`lorem ipsum` in those lines (C4)"),
        inner("perplexity", pa.float64(), "perplexity a token under the language's KenLM model; null without one"),
        inner("quality", pa.float64(), "probability of quality by the recipe's fastText classifier; null without one"),
        inner("link_density", pa.float64(), "share of the text's characters inside links"),
    ]
)
