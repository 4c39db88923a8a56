"""What we measure of text, the rules that judge it, and what is hidden in it.

| file | what |
|---|---|
| characters | kinds of code points, as tables |
| words | texts laid out as arrays: words and their hashes |
| repetition, lines | n-grams that repeat; lines and paragraphs |
| word_lists | stop words, flagged words, furniture |
| fields, measures | the measures by name; all of them in one pass |
| rules, rule_sets | bounds on measures; the published sets, the recipe section |
| models | perplexity and quality, by models that a recipe names |
| personal_data | e-mail addresses and the like, masked |
| tokens | CLIP's byte pairs, counted |
"""

from filters import language
from filters.text import models
from filters.text.fields import DocumentMeasures, NodeMeasures
from filters.text.measures import Measured, measure_batch, measure_document
from filters.text.models import Models
from filters.text.models import load as load_models
from filters.text.rule_sets import Config, RuleSet, document_rules
from filters.text.rules import DocumentRules, NodeRules, judge_document, judge_node
from filters.text.word_lists import Lists
from filters.text.word_lists import load as load_lists

__all__ = [
    "Config",
    "DocumentMeasures",
    "DocumentRules",
    "Lists",
    "Measured",
    "Models",
    "NodeMeasures",
    "NodeRules",
    "RuleSet",
    "check",
    "document_rules",
    "fingerprint",
    "judge_document",
    "judge_node",
    "load_lists",
    "load_models",
    "measure_batch",
    "measure_document",
]


def check(config: Config) -> None:
    """Raise ModelUnavailable unless the word lists, the tokenizer and the models of the recipe are here."""
    from filters.text import tokens

    config.resolve()
    load_lists()
    if config.models.quality:
        language.try_out(config.models.quality)
    load_models(config.models)
    tokens.load()


def fingerprint(config: Config) -> list[str]:
    """Hex digests that stand for the content of the recipe's perplexity and quality models."""
    return models.fingerprint(config.models)
