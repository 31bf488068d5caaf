"""Names of what was withheld, through disguises. They decide nothing: the tests of smuggling do not look at them."""

import base64
import json
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stillwatch.forum.guard import shipped
from stillwatch.forum.guard.naming import Naming

NAMING = Naming(shipped().file.category)
WORD = "our pricing is secret"


@pytest.mark.parametrize(
    "disguise",
    [
        WORD, WORD.upper(), "\uff50\uff52\uff49\uff43\uff49\uff4e\uff47", "\u0440r\u0456\u0441\u0456ng",
        "p\u200br\u200bi\u200bc\u200bi\u200bn\u200bg",
        base64.b64encode(WORD.encode()).decode(), base64.urlsafe_b64encode(WORD.encode()).decode().rstrip("="),
        WORD.encode().hex(), quote(WORD, safe=""), "".join(f"%{b:02x}" for b in WORD.encode()),
        json.dumps({"note": WORD}), {"a": [{"pricing": 1}]}, [[["x", {"y": WORD}]]],
        base64.b64encode(base64.b64encode(WORD.encode())).decode(), "\\u0070ricing",
        base64.b64encode(quote(WORD, safe="").encode()).decode(), "x_pricing", "pricing-list",
    ],
)  # fmt: skip
def test_prices_by_any_other_name(disguise: object) -> None:
    assert NAMING.name(disguise) == "prices"


@pytest.mark.parametrize("value", ["", "caprice", "surpricing", 5, None, [], {}, "0" * 10_000, {"a": {"b": "hello"}}])
def test_what_has_no_such_word_has_no_name(value: object) -> None:
    assert NAMING.name(value) == ""


@given(
    st.recursive(st.text() | st.none() | st.floats(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner))
)
def test_any_value_gets_a_category_or_none(value: object) -> None:
    assert NAMING.name(value) in {"", *(each.id for each in shipped().file.category)}
