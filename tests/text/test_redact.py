from hypothesis import given
from hypothesis import strategies as st

from stillwatch.text.redact import redact


def test_what_names_a_person_or_opens_a_door_is_masked() -> None:
    text = (
        "dear Ms Jane Doe, write to jane.doe@mail.example.org or see https://host.example/a?key=1 and www.x.example/b; "
        "card 4111 1111 1111 1111, key sk-abc123def456ghi789, call +49 170 1234567, born 1990-01-02"
    )
    told = redact(text, limit=400)
    assert not [
        hidden
        for hidden in ("Jane", "Doe", "mail.example", "host", "www", "4111", "abc123", "170", "1990")
        if hidden in told
    ]
    assert told.startswith("dear ‹name› ‹name› ‹name›, write to ‹mail› or see ‹url› and ‹url›")


def test_a_sentence_may_begin_with_a_capital_but_not_with_a_full_name() -> None:
    assert redact("Write a poem. Then stop. Anna Berg said so") == "Write a poem. Then stop. ‹name› ‹name› said so"
    assert redact("Пиши коротко. Это сказал Иван") == "Пиши коротко. Это сказал ‹name›"


@given(st.text(), st.integers(1, 200))
def test_one_short_printable_line_without_digits(text: str, limit: int) -> None:
    told = redact(text, limit)
    assert len(told) <= limit
    assert not any(character in told for character in "\n\r\t\x1b\x00\u202e0123456789")


def test_a_terminal_is_not_driven() -> None:
    assert "\x1b" not in redact("\x1b[31mred\x1b[0m\u202egnp.exe")
