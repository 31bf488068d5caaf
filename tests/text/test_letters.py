# ruff: noqa: RUF001 - letters of several scripts

import sys
import unicodedata

import pytest

from stillwatch.text.letters import DIGIT, FOLD, GAP, LETTER, SKIP, SOLO, TABLE, high


def kind(character: str) -> int:
    point = ord(character)
    return int(FOLD[point]) if point < TABLE else high(point)


@pytest.mark.parametrize(
    ("characters", "expected"),
    [
        (" \n\t.,:;!?-_'\"()[]{}<>@#$%&*+=/\\|~^`\x00\x7f\u00a0«»¿§°×÷…–—“”•→∑█☃、。「」・！（～￥", GAP),
        ("\u00ad\u0301\u200b\u200c\u200d\u2060\ufe0f\ufeff", SKIP),
        ("0123456789٣५๓５", DIGIT),
        ("中あカ한々〇ไ𠀀ｶ", SOLO),
    ],
)
def test_classes(characters: str, expected: int) -> None:
    assert {character: kind(character) for character in characters} == dict.fromkeys(characters, expected)


def test_letters_are_folded_to_their_base_in_lower_case() -> None:
    folded = {
        "A": "a",
        "z": "z",
        "É": "e",
        "ñ": "n",
        "Ж": "ж",
        "Ё": "е",
        "Ά": "α",
        "ß": "ß",
        "ش": "ش",
        "Ａ": "a",
        "ｚ": "z",
    }
    assert {letter: chr(kind(letter)) for letter in folded} == folded
    assert min(FOLD[ord(letter)] for letter in "az") > LETTER


def test_no_letter_of_any_script_ends_a_word() -> None:
    lost = [
        hex(point)
        for point in range(sys.maxunicode + 1)
        if unicodedata.category(chr(point)) in {"Lu", "Ll"} and kind(chr(point)) in {GAP, SKIP, DIGIT}
        and not 0x2000 <= point < 0x2C00  # letter-like symbols and enclosed letters
    ]  # fmt: skip
    assert lost == []
