"""Put a scene into words: number, gender, agreement and word order of six languages.

Every phrase is a noun phrase in the nominative, without a full stop, so that any sentence can carry it.
"""

from __future__ import annotations

from collections.abc import Callable

from demo.pictures.scene import Scene
from demo.words.vocabulary import Vocabulary, fill, vocabulary

_VOWELS = "aeiou"


def phrase(scene: Scene, language: str) -> str:
    """What is on the picture, e.g. "three red circles in a row on a blue background"."""
    words = vocabulary(language)
    if scene.kind == "things":
        return _things_somewhere(scene, words)
    if scene.kind == "pattern":
        return _pattern(scene, words)
    if scene.kind == "place":
        place, time = words.one("places", scene.noun), words.one("times", scene.time)
        return f"{time}{place}" if language == "zh" else f"{place} {time}"
    values = {"word": scene.word, "nth": words.row("ordinals")[scene.mark - 1]}
    if scene.kind == "bars":
        values["things"] = things(words, scene.count, scene.colour, "bar")
        return fill(words.one("grammar", "bars"), values)
    if scene.kind == "pie":
        values["parts"] = things(words, scene.count, "", "slice")
        gender = "pred" if language == "de" else _gender(words, "slice")
        values["colour"] = _agree(words, scene.colour, gender)
        return fill(words.one("grammar", "pie"), values)
    template = words.one("grammar", scene.layout if scene.kind == "line" else "sign")
    gender = words.tables["grammar"].get(f"{scene.kind}_gender", ("n",))[0]
    values["colour"] = _agree(words, scene.colour, gender)
    if language == "en" and scene.kind == "sign":
        values["colour"] = _with_article(values["colour"])
    return fill(template, values)


def capitalised(text: str) -> str:
    """`text` with its first letter as a capital."""
    return text[:1].upper() + text[1:]


def things(words: Vocabulary, count: int, colour: str, noun: str) -> str:
    """`count` things of `colour` (none where it is empty), counted and inflected."""
    return _COUNTED[words.language](words, count, colour, noun)


def _things_somewhere(scene: Scene, words: Vocabulary) -> str:
    what = things(words, scene.count, scene.colour, scene.noun)
    second = _ground_colour(words, scene.second)
    ground = fill(words.one("grammar", "ground"), {"second": second})
    layout = words.one("layouts", scene.layout)
    if words.language == "zh":
        return f"{ground}{layout}{what}" if scene.count > 1 else f"{ground}{what}"
    return f"{what} {layout} {ground}" if scene.count > 1 else f"{what} {ground}"


def _ground_colour(words: Vocabulary, colour: str) -> str:
    forms = words.tables["colours"][colour]
    if words.language == "en":
        return _with_article(forms[0])
    if words.language == "de":
        return f"{forms[0]}em"
    return forms[5] if words.language == "ru" else forms[0]


def _pattern(scene: Scene, words: Vocabulary) -> str:
    template, *gender = words.tables["patterns"][scene.noun]
    colours = (_agree(words, name, f"{(gender or ['m'])[0]}pl") for name in (scene.colour, scene.second))
    one, two = colours
    return fill(template, {"one": one, "two": two})


def _gender(words: Vocabulary, noun: str) -> str:
    return words.tables["nouns"][noun][-1]


def _agree(words: Vocabulary, colour: str, form: str) -> str:
    """`colour` in the form m, f, n, mpl, fpl or npl; `pred` is the bare German predicate."""
    forms = words.tables["colours"][colour]
    if words.language in ("en", "zh"):
        return forms[0]
    if words.language == "de":
        return forms[0] + {"m": "er", "f": "e", "n": "es", "pred": ""}.get(form, "e")
    if words.language == "ru":
        return forms[{"m": 0, "f": 1, "n": 2}.get(form, 3)]
    return forms[{"m": 0, "f": 1, "mpl": 2, "fpl": 3}[form]]


def _with_article(text: str) -> str:
    return f"{'an' if text[0] in _VOWELS else 'a'} {text}"


def _english(words: Vocabulary, count: int, colour: str, noun: str) -> str:
    one, many = words.tables["nouns"][noun]
    what = f"{colour} {one if count == 1 else many}".strip()
    return _with_article(what) if count == 1 else f"{words.row('numbers')[count - 1]} {what}"


def _romance(words: Vocabulary, count: int, colour: str, noun: str) -> str:
    one, many, gender = words.tables["nouns"][noun]
    number = words.one("grammar", f"one_{gender}") if count == 1 else words.row("numbers")[count - 1]
    form = gender if count == 1 else f"{gender}pl"
    tail = f" {_agree(words, colour, form)}" if colour else ""
    return f"{number} {one if count == 1 else many}{tail}"


def _german(words: Vocabulary, count: int, colour: str, noun: str) -> str:
    one, many, gender = words.tables["nouns"][noun]
    number = ("eine" if gender == "f" else "ein") if count == 1 else words.row("numbers")[count - 1]
    adjective = f" {_agree(words, colour, gender if count == 1 else 'pl')}" if colour else ""
    return f"{number}{adjective} {one if count == 1 else many}"


def _russian(words: Vocabulary, count: int, colour: str, noun: str) -> str:
    one, few, many, gender = words.tables["nouns"][noun]
    forms = words.tables["colours"][colour] if colour else ("",) * 6
    if count == 1:
        return f"{forms[{'m': 0, 'f': 1, 'n': 2}[gender]]} {one}".strip()
    number = "две" if count == 2 and gender == "f" else words.row("numbers")[count - 1]
    # after two to four: genitive singular, with the adjective in the genitive plural (feminine: nominative)
    adjective = forms[3] if count <= 4 and gender == "f" else forms[4]
    return " ".join(filter(None, (number, adjective, few if count <= 4 else many)))


def _chinese(words: Vocabulary, count: int, colour: str, noun: str) -> str:
    name, measure = words.tables["nouns"][noun]
    adjective = f"{words.tables['colours'][colour][0]}的" if colour else ""
    return f"{words.row('numbers')[count - 1]}{measure}{adjective}{name}"


_COUNTED: dict[str, Callable[[Vocabulary, int, str, str], str]] = {
    "en": _english, "es": _romance, "fr": _romance, "de": _german, "ru": _russian, "zh": _chinese,
}  # fmt: skip
