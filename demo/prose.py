"""Sentences for one page: each template at most once, names and town the same throughout."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from demo.dice import Dice
from demo.words.vocabulary import Vocabulary, fill, vocabulary

_LISTS = {"month": "months", "month_day": "month_days", "weekday": "weekdays", "material": "materials"}
# A near-duplicate has about two sentences of its own: 5-word shingles then have a Jaccard similarity of 0.8 to 0.95.
_CHANGE_EVERY = 16
# The thread of an article: what its paragraphs draw from, in turn.
THREAD = ("work", "history", "visitors", "people", "opinion", "place", "figures")


class _Slots(dict[str, str]):
    """The values for one sentence: what is fixed on the page, and the rest rolled when it is asked for."""

    def __init__(self, fixed: Mapping[str, str], words: Vocabulary, dice: Dice) -> None:
        super().__init__(fixed)
        self._words, self._dice = words, dice

    def __missing__(self, key: str) -> str:
        if key == "n":
            n = self._dice.between(12, 90)
            # Russian nouns after 21 to 24, 31 to 34, ... stand in other forms than the sentences have
            return str(n - n % 5 if self._words.language == "ru" and n > 20 else n)
        if key == "year":
            return str(self._dice.between(1880, 2019))
        return self._dice.pick(self._words.row(_LISTS[key]))


class Prose:
    """The text of one page, a function of `key`; with `variant`, now and then a sentence is another one."""

    def __init__(self, language: str, *key: object, variant: int = 0) -> None:
        self.words = vocabulary(language)
        self.joint = "" if language == "zh" else " "
        self._key, self._variant, self._calls = key, variant, 0
        self._left: dict[str, list[str]] = {}
        dice = Dice("prose", *key)
        self.fixed = {name: dice.pick(self.words.row(f"{name}s")) for name in ("town",)}
        self.fixed["woman"] = dice.pick(self.words.row("women"))
        self.fixed["man"] = dice.pick(self.words.row("men"))
        self._thread = dice.some(THREAD, len(THREAD))

    def line(self, section: str, **values: str) -> str:
        """A sentence of `section` that is not on the page yet; its sections start again when they are used up."""
        self._calls += 1
        dice = Dice("line", *self._key, self._calls)
        left = self._left.get(section)
        if not left:
            left = self._left[section] = dice.some(self.words.lines[section], len(self.words.lines[section]))
        template = left.pop()
        if left and self._variant and self._calls % _CHANGE_EVERY == self._variant:
            template = left.pop(0)
        return fill(template, _Slots({**self.fixed, **values}, self.words, dice))

    def said(self, text: str) -> str:
        """`text`, which may hold slots, with this page's names."""
        self._calls += 1
        return fill(text, _Slots(self.fixed, self.words, Dice("line", *self._key, self._calls)))

    def can(self, section: str) -> bool:
        """Whether `section` still has a sentence that is not on the page."""
        return self._left.get(section) != []

    def paragraph(self, *sections: str) -> str:
        """One sentence of each section that still has one, as a paragraph."""
        return self.join([self.line(section) for section in sections if self.can(section)])

    def theme(self, count: int) -> str:
        """A paragraph of up to `count` sentences of the next theme of the page that has at least two left."""
        for _ in THREAD:
            theme = self._thread.pop(0)
            self._thread.append(theme)
            if len(self._left.get(theme, "..")) >= 2:
                return self.paragraph(*(theme,) * count)
        return self.paragraph("closing", "closing")

    def join(self, sentences: Sequence[str]) -> str:
        """Sentences as one paragraph."""
        return self.joint.join(sentences)
