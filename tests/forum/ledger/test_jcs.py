import math

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from stillwatch.errors import InputError
from stillwatch.forum.ledger.jcs import canonical, digest

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
SCALARS = st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.floats(allow_nan=False) | TEXT
SCALARS = SCALARS.filter(lambda value: not isinstance(value, float) or math.isfinite(value))
JSON = st.recursive(SCALARS, lambda x: st.lists(x, max_size=4) | st.dictionaries(TEXT, x, max_size=4), max_leaves=12)


@given(JSON)
def test_the_fast_path_writes_what_rfc8785_writes(value: object) -> None:
    assert canonical(value) == rfc8785.dumps(value)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "text", ["1.5,", ":1e5,", 'a":1.0,"b', "null", ":null,", "\x7f", "\b\f\x1f\u20ac", "</script>"]
)
def test_strings_that_look_like_numbers(text: str) -> None:
    value = {"a": text, "b": [text, {text: text}], "c": 7}
    assert canonical(value) == rfc8785.dumps(value)


@pytest.mark.parametrize("value", [{"a": 1.0}, {"a": [1e21, 1e-7, 333333333.33333329, -0.0]}, {"a": 9007199254740991}])
def test_numbers_are_written_as_javascript_writes_them(value: dict[str, object]) -> None:
    assert canonical(value) == rfc8785.dumps(value)  # type: ignore[arg-type]


def test_example_of_rfc_8785_section_3_2_3() -> None:
    value = {"\u20ac": "Euro Sign", "\r": "Carriage Return", "\ufb33": "Hebrew Letter Dalet With Dagesh", "1": "One",
             "\U0001f600": "Emoji: Grinning Face", "\x80": "Control",
             "\u00f6": "Latin Small Letter O With Diaeresis"}  # fmt: skip
    assert [pair.split(b'":')[0][1:] for pair in canonical(value)[1:-1].split(b",")] == [
        rb"\r", b"1", "\x80".encode(), "ö".encode(), "€".encode(), "😀".encode(), "\ufb33".encode()
    ]  # fmt: skip


@pytest.mark.parametrize(
    "value",
    [{"a": math.nan}, {"a": [math.inf]}, {"a": 2**53}, {"a": -(2**64)}, {"a": "\ud800"}, {"\udfff": 1}],
)
def test_what_has_no_canonical_form_is_refused(value: object) -> None:
    with pytest.raises(InputError):
        canonical(value)


def test_the_order_of_keys_does_not_matter() -> None:
    assert digest({"a": 1, "b": 2}) == digest({"b": 2, "a": 1}) != digest({"a": 2, "b": 1})
