"""Our small evaluator against jsonschema, the reference implementation, on our own schemas and on made-up ones."""

from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stillwatch.schema import stix
from stillwatch.schema.profile import SHAPES
from stillwatch.schema.shape import faults

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 300) | st.text("ab0é\n", max_size=4),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(["a", "b", "c/~"]), inner, max_size=3),
    max_leaves=12,
)
SCHEMAS = [
    {"type": "string", "minLength": 1, "maxLength": 2, "pattern": "^[ab]*$"},
    {"type": "integer", "minimum": 0, "maximum": 2},
    {"type": "boolean"},
    {"const": 1},
    {"enum": [0, True, "a", [1], {"a": 0}]},
    {"type": "array", "items": {"type": "integer"}, "minItems": 1, "maxItems": 3, "uniqueItems": True},
    {"type": "object", "properties": {"a": {"type": "string"}, "b": {"const": True}}, "required": ["a"],
     "additionalProperties": False, "minProperties": 1},
    {"type": "object", "properties": {"a": {"type": "array", "items": {"enum": ["a", "b"]}, "uniqueItems": True}}},
]  # fmt: skip


@pytest.mark.parametrize("schema", SCHEMAS, ids=str)
@given(value=JSON)
def test_it_agrees_with_the_reference(schema: dict[str, Any], value: Any) -> None:
    # a "$" of the reference's regular expressions also stands before a last newline; ours matches whole
    if isinstance(value, str) and value.endswith("\n"):
        return
    assert (not list(faults(value, schema))) == jsonschema.Draft202012Validator(schema).is_valid(value)


@pytest.mark.parametrize("schema", [*(e.schema for e in stix.EXTENSIONS), *SHAPES.values()], ids=lambda s: str(s)[:40])
def test_our_schemas_are_schemas_and_closed(schema: dict[str, Any]) -> None:
    jsonschema.Draft202012Validator.check_schema(schema)
    assert list(faults({}, schema))  # also raises at a keyword that is not known

    def closed(each: dict[str, Any]) -> None:
        if "const" in each or "enum" in each or each.get("type") in {"boolean", "integer"}:
            assert each.get("type") != "integer" or {"minimum", "maximum"} <= each.keys()
        elif each["type"] == "string":
            assert "maxLength" in each
        elif each["type"] == "array":
            assert "maxItems" in each
            closed(each["items"])
        elif "properties" in each:
            assert each["additionalProperties"] is False
            for inner in each["properties"].values():
                closed(inner)
        else:
            assert each == {"type": "object"}  # extensions, which have schemas of their own

    closed(schema)


def test_a_newline_at_the_end_does_not_pass_a_pattern() -> None:
    assert list(faults("a\n", {"type": "string", "pattern": "^a$"}))


def test_a_fault_says_where() -> None:
    schema = {"type": "object", "properties": {"a/b": {"type": "array", "items": {"type": "integer"}}}}
    assert list(faults({"a/b": [1, "x"]}, schema)) == [("/a~1b/1", "is not of type integer")]


def test_an_unknown_keyword_is_refused_and_not_passed_over() -> None:
    with pytest.raises(ValueError, match="oneOf"):
        list(faults(1, {"oneOf": [{"const": 1}]}))


def test_what_is_too_long_is_not_looked_into() -> None:
    schema = {"type": "array", "items": {"const": 0}, "maxItems": 2}
    assert list(faults([1] * 1000, schema)) == [("", "maxItems is 2")]
