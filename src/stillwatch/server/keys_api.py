"""Who the caller is here, and everybody's signing keys, under ``/forum/v1/``."""

import base64
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from stillwatch.forum.hub import keys, times
from stillwatch.schema.forum import Key
from stillwatch.server.forum_api import ROOT, Envelope, Strict
from stillwatch.server.operations import Call, Operation


class Taken(msgspec.Struct):
    """A collection that the member takes part in, under a pseudonym of its own in its sharing group."""

    id: str
    alias: str
    pseudonym: str
    can_read: bool
    can_write: bool


class Membership(msgspec.Struct):
    """Who the caller is. ``log`` is the public key of the log, to be compared with what the operator published."""

    log: str
    roles: list[str]
    collections: list[Taken]


class AfterIndex(Strict):
    """Entries beyond an index of the log."""

    after: Annotated[int, Meta(ge=-1, lt=1 << 53)] = -1


class KeyEntry(msgspec.Struct):
    """An entry of the log on a key, in its canonical JSON, and the proof (base64) that it is in the log."""

    index: int
    entry: str
    proof: list[str]


class Keys(msgspec.Struct):
    """Entries in the log's order, and the checkpoint that the proofs lead to."""

    checkpoint: str
    entries: list[KeyEntry]
    more: bool


class KeyResource(msgspec.Struct, omit_defaults=True):
    """A signing key as it stands now."""

    id: str
    pseudonym: str
    public: str
    since: str
    retired: str = ""


def membership(call: Call) -> Membership:
    """Who the caller is."""
    found = keys.pseudonyms(call.hub, call.who)
    taken = [Taken(each.id, each.alias, actor, right.read, right.write) for each, right, actor in found]
    return Membership(str(keys.verifier(call.hub)), sorted(call.who.roles), taken)


def told(call: Call) -> Keys:
    """What the log says of keys."""
    found = keys.told(call.hub, call.who, call.query.after)
    entries = [KeyEntry(each.index, each.entry.decode(), [_base64(part) for part in each.proof])
               for each in found.entries]  # fmt: skip
    return Keys(found.checkpoint.note, entries, found.more)


def bring(call: Call) -> KeyResource:
    """Take a key."""
    return _key(keys.bring(call.hub, call.who, _envelope(call)))


def give_up(call: Call) -> KeyResource:
    """Take no more signatures by a key."""
    return _key(keys.give_up(call.hub, call.who, call.path["key"], _envelope(call)))


def _envelope(call: Call) -> dict[str, Any]:
    made: dict[str, Any] = msgspec.to_builtins(call.body)
    return made


def _key(found: Key) -> KeyResource:
    retired = times.text(found.retired) if found.retired is not None else ""
    return KeyResource(found.id, found.pseudonym, _base64(found.public), times.text(found.created), retired)


def _base64(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


_K = f"{ROOT}keys/"
_READS, _WRITES = ("submitter", "analyst", "counsel", "auditor"), ("submitter",)

OPERATIONS = (
    Operation("GET", f"{ROOT}membership", "membership", "Who you are in each collection.", membership, Membership),
    Operation("GET", _K, "keys", "What the log says of signing keys, with proofs.", told, Keys, AfterIndex,
              roles=_READS),
    Operation("POST", _K, "bring_key", "Sign with a key from now on.", bring, KeyResource, body=Envelope, status=201,
              roles=_WRITES, failures=(404, 409, 422)),
    Operation("POST", f"{_K}{{key}}/retirement", "retire_key", "Sign with a key no more.", give_up, KeyResource,
              body=Envelope, roles=_WRITES, failures=(409, 422)),
)  # fmt: skip
