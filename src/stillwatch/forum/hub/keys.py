"""Members' signing keys: brought and given up with proof of possession, and told to peers as the log has them.

Peers are not told "this is a key of that pseudonym" but given the entry of the log that says so, with the proof that
it is in the log. A hub that vouches for a key of its own making has to put that on record for ever, where the member
whose pseudonym it is meets it at its next sync.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from stillwatch.forum.hub import membership
from stillwatch.forum.hub.errors import Absent, Conflict, Forbidden, Unprocessable
from stillwatch.forum.hub.hub import READERS, Hub, demand
from stillwatch.forum.hub.interface import Records
from stillwatch.forum.ledger.errors import SignatureError
from stillwatch.forum.ledger.ledger import Ledger
from stillwatch.forum.ledger.note import Verifier
from stillwatch.forum.ledger.possession import Brought, GivenUp, Statement, read_statement, vouched
from stillwatch.schema.forum import Collection, Key, Principal, Pseudonym, Right, Role, Signed

#: Entries told at once.
PAGE = 200


@dataclass(frozen=True, slots=True)
class Proven:
    """An entry of the log, in the bytes that were hashed, its index, and the proof that it is there."""

    index: int
    entry: bytes
    proof: list[bytes]


@dataclass(frozen=True, slots=True)
class Told:
    """What a member is told of keys: entries in the log's order, a checkpoint that the proofs lead to, if more."""

    checkpoint: Signed
    entries: list[Proven]
    more: bool


def told(hub: Hub, who: Principal, after: int = -1) -> Told:
    """Entries beyond index ``after`` on keys of everybody in the sharing groups of the caller, retired ones too.

    Raises:
        Forbidden: they read nothing.
    """
    demand(who, *READERS)
    with hub.store.reading() as tx:
        places, latest = _places(tx.records, who), tx.log.latest()
    if latest is None or (places and places[-1] >= latest.size):  # else no new one is needed, and nothing is written
        latest = hub.checkpoint()
    signed = latest
    with hub.store.reading() as tx:
        asked = [place for place in places if after < place < signed.size]
        ledger = Ledger(tx.log, tx.log.origin() or "")
        found = [
            Proven(place, ledger.store.entries(place, 1)[0], list(ledger.tree.inclusion(place, signed.size)))
            for place in asked[:PAGE]
        ]
    return Told(signed, found, len(asked) > PAGE)


def bring(hub: Hub, who: Principal, envelope: Mapping[str, Any]) -> Key:
    """Take a key that a member brings; the same one again changes nothing.

    Raises:
        Forbidden: they are no submitter, or no key in use vouches for it.
        Absent: the pseudonym is not theirs.
        Conflict: the key is another's, or was given up, or the one that it retires is not in use.
        Unprocessable: the envelope is not such a statement, signed by the key itself.
    """
    demand(who, Role.SUBMITTER)
    said = _read(envelope, Brought)
    with hub.store.writing() as tx:
        tx.log.lock(hub.clock())  # what is in use stays so until this one is, and the other way round
        _own(tx.records, who, said.actor)
        known = tx.records.find(Key, pseudonym=said.actor)
        held = next((key for key in known if key.public == said.raw and key.retired is None), None)
        if held is not None:
            return held
        using = {key.id: key.public for key in known if key.retired is None}
        if known and not vouched(envelope, using):
            do = "Sign with the key before it as well (`stillwatch forum rotate`), or ask the operator"
            raise Forbidden("no key in use vouches for this one", do=do)
        if said.retires is not None and said.retires not in using:
            raise Conflict("the key that it retires is not in use", where=said.retires)
        made = membership.add_key(tx, said.actor, said.raw, hub.clock())
        if said.retires is not None:
            membership.retire_key(tx, said.retires, hub.clock())
    return made


def give_up(hub: Hub, who: Principal, id_: str, envelope: Mapping[str, Any]) -> Key:
    """Take it that a member gives up a key: it signs no more, and what it signed stands. Harmless to repeat.

    Raises:
        Forbidden: they are no submitter, or no key in use says so.
        Absent: there is no such key of theirs.
        Conflict: it is the last one.
        Unprocessable: the envelope is no such statement.
    """
    demand(who, Role.SUBMITTER)
    said = _read(envelope, GivenUp)
    with hub.store.writing() as tx:
        tx.log.lock(hub.clock())
        _own(tx.records, who, said.actor)
        known = {key.id: key for key in tx.records.find(Key, pseudonym=said.actor)}
        if said.key != id_ or id_ not in known:
            raise Absent("no such key of yours", where=id_[:80])
        using = {key.id: key.public for key in known.values() if key.retired is None}
        if id_ in using:
            if not vouched(envelope, using):
                raise Forbidden("no key in use says so", where=id_)
            if len(using) == 1:
                raise Conflict("it is the last one", where=id_, do="Bring the next one, which may retire it")
            membership.retire_key(tx, id_, hub.clock())
        return tx.records.find(Key, id=id_)[0]


def verifier(hub: Hub) -> Verifier:
    """The log's own key, under the log's name."""
    with hub.store.reading() as tx:
        return Verifier(tx.log.origin() or "", hub.key.public)


def pseudonyms(hub: Hub, who: Principal) -> list[tuple[Collection, Right, str]]:
    """The collections that the member has a right to, and who it is in the group of each."""
    with hub.store.reading() as tx:
        rights = {each.collection: each for each in _rights(tx.records, who)}
        found = tx.records.find(Collection, number=list(rights), order="number")
        groups = {each.group: each.id for each in tx.records.find(Pseudonym, member=who.member)}
    return [(each, rights[each.number], groups.get(each.group, "")) for each in found]


def _rights(records: Records, who: Principal) -> list[Right]:
    return [each for each in records.find(Right, member=who.member) if each.read or each.write]


def _places(records: Records, who: Principal) -> list[int]:
    """Where the log speaks of the keys that the caller may know of, in order."""
    numbers = [each.collection for each in _rights(records, who)]
    groups = {each.group for each in records.find(Collection, number=numbers)}
    actors = {each.id for each in records.find(Pseudonym, group=groups)}
    keys = records.find(Key, pseudonym=actors)
    return sorted({place for key in keys for place in (key.entry, key.retired_entry) if place is not None})


def _read(envelope: Mapping[str, Any], kind: type[Statement]) -> Any:
    try:
        said = read_statement(envelope)
    except SignatureError as error:
        raise Unprocessable(str(error), where="body") from None
    if not isinstance(said, kind):
        raise Unprocessable("says something else of a key", where="body")
    return said


def _own(records: Records, who: Principal, actor: str) -> None:
    if records.one(Pseudonym, id=actor, member=who.member) is None:
        raise Absent("no such pseudonym of yours", where=actor[:80])
