"""A JSON schema of ours as rules, so that an extension may hold what its published schema says and nothing else."""

import re
from collections.abc import Mapping
from typing import Any

from stillwatch.errors import InputError
from stillwatch.forum.guard.interface import Clause
from stillwatch.forum.guard.leaves import Matches, OneOf, Whole
from stillwatch.forum.guard.rules import AllOf, ListOf, Record, Rule

Schema = Mapping[str, Any]


def rule_of(schema: Schema, clause: Clause, also: Mapping[str, Rule]) -> Record:
    """The rule of an object by its closed schema; ``also`` are further rules for single properties.

    Raises:
        InputError: the schema is open, or leaves something unbounded.
    """
    if schema.get("type") != "object" or schema.get("additionalProperties") is not False:
        raise InputError("a schema that does not close its object", where=clause.name)
    properties: dict[str, Rule] = {}
    for name, part in schema["properties"].items():
        sentence = part.get("description", clause.sentence)
        inner = Clause(f"{clause.name}.{name}", clause.category, clause.sources, sentence)
        rule = _rule(part, inner)
        properties[name] = AllOf(inner, (rule, also[name])) if name in also else rule
    unknown = also.keys() - properties.keys()
    if unknown:
        raise InputError(f"the schema has no {', '.join(sorted(unknown))}", where=clause.name)
    return Record(clause, properties, frozenset(schema.get("required", ())))


def _rule(schema: Schema, clause: Clause) -> Rule:
    if "const" in schema:
        return OneOf(clause, frozenset([schema["const"]]))
    if "enum" in schema:
        return OneOf(clause, frozenset(schema["enum"]))
    kind = schema.get("type")
    if kind == "object":
        return rule_of(schema, clause, {})
    if kind == "array" and "maxItems" in schema and schema.get("uniqueItems"):
        return ListOf(clause, _rule(schema["items"], clause), schema.get("minItems", 0), schema["maxItems"])
    if kind == "integer" and "minimum" in schema and "maximum" in schema:
        return Whole(clause, schema["minimum"], schema["maximum"])
    if kind == "string" and "pattern" in schema and "maxLength" in schema:
        return Matches(clause, re.compile(schema["pattern"], re.ASCII), schema["maxLength"])
    raise InputError("a schema that leaves a value unbounded", where=clause.name)
