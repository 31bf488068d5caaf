"""An operation of the interface: what it takes, who may, what it gives; for the server and for its OpenAPI document."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from stillwatch.forum.hub.hub import Hub
from stillwatch.schema.forum import Principal

TAXII = "application/taxii+json;version=2.1"
JSON = "application/json"
TEXT = "text/plain; charset=utf-8"
PACKED = "application/msgpack"


class NoQuery(msgspec.Struct, forbid_unknown_fields=True):
    """An operation without a query."""


@dataclass(frozen=True, slots=True)
class Call:
    """One authenticated request; ``query`` and ``body`` are of the types that the operation names."""

    hub: Hub
    who: Principal
    path: Mapping[str, str]
    query: Any
    body: Any


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer as bytes, with headers of its own."""

    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Operation:
    """One method of one path.

    Args:
        method: GET, POST, PUT or DELETE.
        path: with ``{names}``.
        name: unique.
        summary: one sentence.
        run: does it; gives what ``reply`` describes, or a ``Reply``.
        reply: type of the answer.
        query: type of the query; what it does not name is refused by our own operations and ignored by TAXII's.
        body: type of the body; ``bytes`` for one that the hub reads itself.
        status: of success.
        taxii: whether it is TAXII's, with its media type.
        roles: who may, for the document; the hub itself checks. Empty for everyone who is known.
        failures: statuses beyond the common ones.
        text: whether it speaks plain text, as witnesses do; what is refused is told in JSON all the same.
        packed: whether it takes and gives MessagePack, as private matching does; as for ``text``.
        most: bytes of its body at most; 0 for what the hub takes in general.
    """

    method: str
    path: str
    name: str
    summary: str
    run: Callable[[Call], Any]
    reply: Any
    query: type[msgspec.Struct] = NoQuery
    body: Any = None
    status: int = 200
    taxii: bool = False
    roles: tuple[str, ...] = ()
    failures: tuple[int, ...] = ()
    text: bool = False
    packed: bool = False
    most: int = 0

    @property
    def media(self) -> str:
        """The media type of its answers."""
        return TEXT if self.text else PACKED if self.packed else self.refusal

    @property
    def refusal(self) -> str:
        """The media type of what it says when it refuses."""
        return TAXII if self.taxii else JSON
