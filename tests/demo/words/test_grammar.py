from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from demo.dice import Dice
from demo.pictures.scene import KINDS, Scene, random_scene
from demo.words.grammar import capitalised, phrase, things
from demo.words.vocabulary import LANGUAGES, vocabulary


@pytest.mark.parametrize(
    ("language", "count", "colour", "noun", "says"),
    [
        ("en", 1, "orange", "umbrella", "an orange umbrella"),
        ("en", 3, "red", "fish", "three red fish"),
        ("es", 1, "red", "star", "una estrella roja"),
        ("es", 4, "white", "fish", "cuatro peces blancos"),
        ("fr", 1, "blue", "cup", "une tasse bleue"),
        ("fr", 7, "white", "flower", "sept fleurs blanches"),
        ("de", 1, "red", "circle", "ein roter Kreis"),
        ("de", 1, "red", "flower", "eine rote Blume"),
        ("de", 1, "red", "house", "ein rotes Haus"),
        ("de", 5, "pink", "tree", "fünf rosafarbene Bäume"),
        ("ru", 1, "blue", "tree", "синее дерево"),
        ("ru", 2, "red", "star", "две красные звезды"),
        ("ru", 3, "red", "circle", "три красных круга"),
        ("ru", 5, "red", "star", "пять красных звёзд"),
        ("zh", 2, "yellow", "flower", "两朵黄色的花"),
    ],
)
def test_number_gender_and_colour_agree(language: str, count: int, colour: str, noun: str, says: str) -> None:
    assert things(vocabulary(language), count, colour, noun) == says


@pytest.mark.parametrize(
    ("language", "says"),
    [
        ("en", "two red boats in a row on an orange background"),
        ("es", "dos barcos rojos en fila sobre fondo naranja"),
        ("fr", "deux bateaux rouges sur une même ligne sur fond orange"),
        ("de", "zwei rote Boote in einer Reihe auf orangefarbenem Grund"),
        ("ru", "две красные лодки в ряд на оранжевом фоне"),
        ("zh", "橙色背景上排成一行的两条红色的小船"),
    ],
)
def test_a_scene_is_said_in_each_language(language: str, says: str) -> None:
    scene = Scene(kind="things", noun="boat", colour="red", second="orange", count=2, layout="row")
    assert phrase(scene, language) == says


def test_charts_and_signs_say_what_is_special_about_them() -> None:
    pie = Scene(kind="pie", colour="red", count=4, mark=1)
    assert phrase(pie, "de") == "ein Kreisdiagramm: vier Stücke, das größte davon rot"
    assert phrase(pie, "es").endswith("la mayor de ellas roja")
    sign = Scene(kind="sign", colour="orange", word="OPEN")
    assert phrase(sign, "en") == "an orange sign with the word “OPEN” in white letters"
    assert phrase(Scene(kind="place", noun="sea", time="night"), "zh") == "夜晚宽阔的大海"


@given(st.integers(0, 10**9), st.sampled_from(KINDS), st.sampled_from(LANGUAGES))
def test_every_scene_can_be_said_without_a_slot_left_open(key: int, kind: str, language: str) -> None:
    says = phrase(random_scene(Dice(key), kind), language)
    assert says
    assert says == says.strip()
    assert not set("{}|=") & set(says)
    assert "  " not in says
    assert capitalised(says)[1:] == says[1:]
