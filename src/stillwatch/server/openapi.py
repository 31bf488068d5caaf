"""The OpenAPI 3.1 document of the interface, made of the table of operations that the server answers by."""

import re
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

import msgspec

from stillwatch import __version__
from stillwatch.server.failures import Failure
from stillwatch.server.operations import Operation

_REF = "#/components/schemas/{name}"
_NAMES = re.compile(r"\{(\w+)\}")
#: Of every operation: a bad query, nobody known, a media type that is not given, too often, not now.
_ALWAYS = (400, 401, 406, 429, 503)
_WITH_BODY = (413, 415)
_WITH_PATH = (404,)
#: A message of ``forum.matching``.
_BYTES = {"type": "string", "format": "binary"}


def document(operations: Sequence[Operation]) -> dict[str, Any]:
    """The document, as plain JSON values; the same operations make the same document."""
    types = _types(operations)
    _, components = msgspec.json.schema_components(types, ref_template=_REF)
    paths: dict[str, dict[str, Any]] = {}
    for each in operations:
        paths.setdefault(each.path, {})[each.method.lower()] = _operation(each, components)
    queries = {each.query.__name__ for each in operations}
    bearer = {"type": "http", "scheme": "bearer", "description": "A token that the operator issued."}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Stillwatch forum",
            "version": __version__,
            "description": "Indicators of adversarial distillation, exchanged under guardrails: TAXII 2.1, and more.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "security": [{"bearer": []}],
        "paths": paths,
        "components": {
            "securitySchemes": {"bearer": bearer},
            "schemas": {name: each for name, each in sorted(components.items()) if name not in queries},
        },
    }


def _types(operations: Sequence[Operation]) -> list[Any]:
    found: dict[Any, None] = {Failure: None}
    for each in operations:
        for type_ in (each.reply, each.body, each.query):
            if type_ is not None and type_ is not bytes:
                found.setdefault(type_)
    return list(found)


def _operation(operation: Operation, components: dict[str, Any]) -> dict[str, Any]:
    names = _NAMES.findall(operation.path)
    role = (403,) if operation.roles else ()
    body = _WITH_BODY if operation.body is not None else ()
    statuses = {*_ALWAYS, *operation.failures, *role, *body, *(_WITH_PATH if names else ())}
    said: dict[str, Any] = {
        "operationId": operation.name,
        "summary": operation.summary,
        "tags": ["TAXII 2.1" if operation.taxii else "forum"],
        "parameters": [_path(name) for name in names] + _query(operation),
        "responses": {
            str(operation.status): {
                "description": HTTPStatus(operation.status).phrase,
                "content": {operation.media: {"schema": _BYTES if operation.packed else _schema(operation.reply)}},
            }
        }
        | {str(status): _failure(operation, status) for status in sorted(statuses)},
    }
    if operation.roles:
        said["description"] = f"For the roles {', '.join(operation.roles)}."
    if operation.body is not None:
        said["requestBody"] = {"required": True, "content": {operation.media: {"schema": _body(operation)}}}
    return said


def _failure(operation: Operation, status: int) -> dict[str, Any]:
    content = {operation.refusal: {"schema": {"$ref": _REF.format(name=Failure.__name__)}}}
    return {"description": HTTPStatus(status).phrase, "content": content}


def _path(name: str) -> dict[str, Any]:
    schema = {"type": "string", "minLength": 1, "maxLength": 400}
    return {"name": name, "in": "path", "required": True, "schema": schema}


def _query(operation: Operation) -> list[dict[str, Any]]:
    (reference,), found = msgspec.json.schema_components([operation.query], ref_template=_REF)
    whole = found[reference["$ref"].rpartition("/")[2]]
    required = set(whole.get("required", ()))
    return [
        {"name": name, "in": "query", "required": name in required, "schema": _without_null(schema)}
        for name, schema in whole["properties"].items()
    ]


def _without_null(schema: dict[str, Any]) -> dict[str, Any]:
    """A parameter is left out, and never null."""
    either = [each for each in schema.get("anyOf", ()) if each != {"type": "null"}]
    plain = either[0] if len(either) == 1 else schema
    return {name: value for name, value in plain.items() if name != "default" or value is not None}


def _body(operation: Operation) -> dict[str, Any]:
    if operation.body is not bytes:
        return _schema(operation.body)
    if operation.text:
        return {"type": "string"}
    if operation.packed:
        return _BYTES
    objects = {"type": "array", "items": {"type": "object"}}
    return {"type": "object", "properties": {"objects": objects}}


def _schema(type_: Any) -> dict[str, Any]:
    (schema,), _ = msgspec.json.schema_components([type_], ref_template=_REF)
    return schema
