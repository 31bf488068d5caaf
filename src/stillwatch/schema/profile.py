"""What an object of the forum may look like: a closed JSON schema for each type that Stillwatch mints.

Narrower than the standard: no property but these, no text but the fixed ones, times cut to what is needed. Schemas are
of the keywords that ``schema.shape`` knows. Extensions have schemas of their own (``schema.stix``).
"""

from typing import Any, Final

from stillwatch.schema import stix
from stillwatch.schema.shape import Schema

_UUID: Final = "[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"
_TIME: Final = (
    r"^20[0-9]{2}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]\.[0-9]{3}Z$"
)
_DAY: Final = r"^20[0-9]{2}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])T00:00:00Z$"


def _text(pattern: str, longest: int = 100) -> dict[str, Any]:
    return {"type": "string", "pattern": pattern, "maxLength": longest}


def _id(*types: str) -> dict[str, Any]:
    return _text(f"^({'|'.join(types)})--{_UUID}$", 64)


def _list(items: Schema, most: int) -> dict[str, Any]:
    return {"type": "array", "items": items, "minItems": 1, "maxItems": most, "uniqueItems": True}


def _object(type_: str, own: dict[str, Schema], required: tuple[str, ...]) -> Schema:
    common = {
        "type": {"const": type_},
        "spec_version": {"const": stix.SPEC_VERSION},
        "id": _id(type_),
        "created_by_ref": _id("identity"),
        "created": _text(_TIME, 24),
        "modified": _text(_TIME, 24),
        "revoked": {"type": "boolean"},
        "confidence": {"type": "integer", "minimum": 0, "maximum": 100},
        "object_marking_refs": _list({"enum": list(stix.TLP.values())}, 1),
        "extensions": {"type": "object"},
        "labels": _list({"const": stix.DRILL}, 1),
    }
    always = ["type", "spec_version", "id", "created", "modified", *required]
    return {"type": "object", "properties": common | own, "required": always, "additionalProperties": False}


_SEEN: Final = {"first_seen": _text(_DAY, 24), "last_seen": _text(_DAY, 24)}
_NAME: Final = _text(stix.NAME, 60)
_CASE: Final = {
    "type": "object",
    "properties": {"source_name": {"const": "mitre-atlas"}, "external_id": _text(r"^AML\.CS[0-9]{4}$", 10)},
    "required": ["source_name", "external_id"],
    "additionalProperties": False,
}
_ENDS: Final = ("attack-pattern", "campaign", "indicator", "infrastructure")

#: The schema of each type. Objects that ``schema.stix`` publishes are not in it: they are what they are.
SHAPES: Final[dict[str, Schema]] = {
    "identity": _object("identity", {"name": _NAME, "identity_class": {"const": "organization"}}, ("name",)),
    "campaign": _object("campaign", {"name": _NAME, "external_references": _list(_CASE, 4), **_SEEN}, ("name",)),
    "infrastructure": _object(
        "infrastructure",
        {"name": _NAME, "infrastructure_types": _list({"enum": ["anonymization", "unknown"]}, 1), **_SEEN},
        ("name",),
    ),
    "indicator": _object(
        "indicator",
        {
            "name": _NAME,
            "description": {"enum": list(stix.DESCRIPTIONS.values())},
            "indicator_types": _list({"const": "anomalous-activity"}, 1),
            "pattern": {"type": "string", "maxLength": 500},  # its grammar is ``indicators.patterns``
            "pattern_type": {"const": "stix"},
            "pattern_version": {"const": stix.SPEC_VERSION},
            "valid_from": _text(_DAY, 24),
            "valid_until": _text(_DAY, 24),
        },
        ("pattern", "pattern_type", "valid_from", "valid_until"),
    ),
    "relationship": _object(
        "relationship",
        {"relationship_type": {"enum": ["indicates", "uses"]}, "source_ref": _id(*_ENDS), "target_ref": _id(*_ENDS)},
        ("relationship_type", "source_ref", "target_ref"),
    ),
    "sighting": _object(
        "sighting",
        {"sighting_of_ref": _id("indicator"), "where_sighted_refs": _list(_id("identity"), 1), **_SEEN},
        ("sighting_of_ref",),
    ),
}
