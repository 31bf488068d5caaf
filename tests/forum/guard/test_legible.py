"""The test for something written: false alarms on random values as rare as promised, text found in each coding."""

import random

import pytest

from stillwatch.forum.guard.identifiers import looks_random
from stillwatch.forum.guard.legible import legible, monotonous

TEXTS = (b"we banned that customer", b"WE BANNED THAT CUSTOMER", b"Price: 4.20 for Example", b"40% discount from May")


@pytest.mark.parametrize("size", [6, 8, 15, 32, 64, 1024])
def test_random_values_are_left_alone(size: int) -> None:
    chance = random.Random(size)
    values = [chance.randbytes(size) for _ in range(20_000 if size < 100 else 500)]
    assert sum(legible(each) or (size >= 8 and monotonous(each.hex())) for each in values) <= 1


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("size", [12, 15, 20])
def test_text_is_found(text: bytes, size: int) -> None:
    assert legible(text[:size])
    assert legible(bytes(each | 128 for each in text[:size]))
    assert legible(text[: size // 2].decode().encode("utf-16-le"))


def test_a_word_among_many_random_bytes_is_not_found_which_the_docs_say() -> None:
    chance = random.Random(1)
    assert not legible(chance.randbytes(24) + b"price" + chance.randbytes(24))


def test_nothing_is_not_text() -> None:
    assert not legible(b"")


@pytest.mark.parametrize(
    "digits",
    ["0" * 30, "7072696365" + "0" * 20, "01" * 15, "00000000000000000000000000002a", "123456789012345678901234567890",
     "deadbeef" * 4, "abcabcabcabcabcabcabcabcabcabc"],
)  # fmt: skip
def test_repeats_counters_and_decimal_digits_are_found(digits: str) -> None:
    assert monotonous(digits)


def test_ids_of_the_field_look_random() -> None:
    chance = random.Random(7)
    numbers = (f"{chance.getrandbits(128):032x}" for _ in range(20_000))
    ids = (f"{n[:8]}-{n[8:12]}-4{n[13:16]}-a{n[17:20]}-{n[20:]}" for n in numbers)
    assert sum(not looks_random(each) for each in ids) <= 2
