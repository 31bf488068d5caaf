"""Signing keys at a Stillwatch hub: one's own brought and rotated, peers' taken from the log with its proofs.

A peer's key is believed because the log has an entry that says so, under a checkpoint that continues the last one seen
here. A hub that makes up a key has to write it where its owner reads it: every sync looks for keys under one's own
pseudonym that are not one's own. Keys from a file (``join --peers``) are pinned: the log adds none to their owners.
"""

import base64
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from stillwatch.errors import UsageError
from stillwatch.forum.ledger import (
    LedgerError,
    SigningKey,
    Verifier,
    checkpoint,
    key_id,
    load_key,
    note,
    parse_verifier,
)
from stillwatch.forum.ledger.checkpoint import Checkpoint
from stillwatch.forum.ledger.entries import Keyed, Unkeyed, decode
from stillwatch.forum.ledger.merkle import leaf_hash, verify_consistency, verify_inclusion
from stillwatch.forum.ledger.possession import bring
from stillwatch.forum.member import shelf
from stillwatch.forum.member.errors import MemberError, RefusedError
from stillwatch.forum.member.hub import MEDIA, ROOT, get
from stillwatch.forum.member.state import State
from stillwatch.forum.member.taxii import Taxii

#: What the state remembers: the log's key, its last checkpoint, how far its entries on keys were read, one's own keys.
_LOG, _CHECKPOINT, _AFTER, _OWN, _NEXT = "log", "checkpoint", "keys_after", "own_keys", "next_key"


class DeceivedError(MemberError):
    """The hub's log is not what it was, or what the hub says is not in it."""


class Taken(msgspec.Struct, frozen=True):
    """A collection that the member takes part in, and under which pseudonym."""

    id: str
    pseudonym: str = ""
    alias: str = ""


class Here(msgspec.Struct, frozen=True):
    """Who the member is at the hub, and the public key of the hub's log."""

    log: str
    collections: list[Taken] = []

    @property
    def pseudonyms(self) -> list[str]:
        """Each once."""
        return sorted({each.pseudonym for each in self.collections if each.pseudonym})

    def aliases(self, pseudonym: str) -> str:
        """The collections in which the member has this one."""
        return ", ".join(sorted(each.alias or each.id for each in self.collections if each.pseudonym == pseudonym))


class Entry(msgspec.Struct):
    """An entry of the log as the hub shows it: its index, its canonical JSON, the proof that it is there."""

    index: int
    entry: str
    proof: list[str]


class _Keys(msgspec.Struct):
    checkpoint: str
    entries: list[Entry] = []
    more: bool = False


class _Proof(msgspec.Struct):
    hashes: list[str]


@dataclass(frozen=True, slots=True)
class Learned:
    """What a look at the log's keys brought.

    Attributes:
        keys: how many were new.
        good: objects whose signatures became good by them.
        strange: ids of keys under one's own pseudonym that are not one's own.
        pinned: pseudonyms of pinned peers that the log gives other keys to.
    """

    keys: int = 0
    good: int = 0
    strange: tuple[str, ...] = ()
    pinned: tuple[str, ...] = ()


def here(taxii: Taxii) -> Here:
    """Who the member is at the hub."""
    return get(taxii, "membership", Here)


def pin_log(state: State, told: Here, demanded: str = "") -> str:
    """Remember the log's key as the hub tells it at first; gives it.

    Args:
        state: of the member.
        told: by the hub.
        demanded: the key that the operator published, if the member has it.

    Raises:
        DeceivedError: the hub tells another one than was demanded, or than before.
    """
    known = demanded or state.setting(_LOG)
    if known and str(parse_verifier(known)) != told.log:
        do = "Ask the operator, by another way than this hub, what its log's key is"
        raise DeceivedError("the hub names another key of its log", where=told.log[:200], do=do)
    with state.writing():
        state.set_setting(_LOG, told.log)
    return told.log


def introduce(state: State, taxii: Taxii, log: str = "") -> bool:
    """Learn who one is at the hub and which log it keeps, and bring one's key; whether the hub has it.

    Args:
        state: of a member that joined.
        taxii: the API root.
        log: the log's public key as the operator published it; without it the hub is believed the first time.

    Raises:
        UsageError: the member has several pseudonyms, or not the one that was given.
        DeceivedError: the log has another key.
    """
    told = here(taxii)
    pin_log(state, told, log)
    known, joined = told.pseudonyms, state.membership
    identity = joined.identity or (known[0] if len(known) == 1 else "")
    if identity not in known:
        each = [f"{name} ({told.aliases(name)})" for name in known]
        do = f"Give --identity, and each a --state; yours here are: {', '.join(each) or 'none'}"
        raise UsageError("which pseudonym is to be yours cannot be told", where="--identity", do=do)
    state.join(msgspec.structs.replace(joined, identity=identity))
    return announce(state, taxii)


def announce(state: State, taxii: Taxii, before: SigningKey | None = None) -> bool:
    """Bring one's key to the hub, signed by itself and by the one before; whether the hub took it.

    It does not where the pseudonym has another key, which alone can vouch for this one; then the operator has to.

    Raises:
        RefusedError: for any other reason.
    """
    key = load_key(Path(state.membership.key))
    with state.writing():
        state.set_setting(_OWN, " ".join(sorted({*state.setting(_OWN).split(), key.id})))
    envelope = bring(state.membership.identity, key, before, retires=before is not None)
    try:
        taxii.transport.request("POST", f"{ROOT}keys/", MEDIA, body=msgspec.json.encode(envelope))
    except RefusedError as error:
        if error.status != 403:
            raise
        return False
    return True


def rotate(state: State, taxii: Taxii) -> SigningKey:
    """Sign with a new key from now on; the one before vouches for it, is given up, and stays valid for what it signed.

    May be repeated after an interruption at any moment, and goes on with the same new key.

    Raises:
        UsageError: something signed with the old key is still on its way.
        RefusedError: the hub does not take the new one.
    """
    if state.rows("SELECT 1 FROM outbox WHERE state IN ('ready', 'sent') LIMIT 1") or state.rows(
        "SELECT 1 FROM recall WHERE acknowledged IS NULL LIMIT 1"
    ):
        what = "something signed with the old key is still on its way"
        raise UsageError(what, where=str(state.folder), do="Run `stillwatch forum sync` first")
    before = load_key(Path(state.membership.key))
    path = Path(state.setting(_NEXT)) if state.setting(_NEXT) else _new(state)
    key = load_key(path)
    if key.id != before.id:
        envelope = bring(state.membership.identity, key, before, retires=True)
        taxii.transport.request("POST", f"{ROOT}keys/", MEDIA, body=msgspec.json.encode(envelope))
    with state.writing():
        state.set_membership(msgspec.structs.replace(state.membership, key=str(path.resolve())))
        state.set_setting(_OWN, " ".join(sorted({*state.setting(_OWN).split(), before.id, key.id})))
        state.set_setting(_NEXT, "")
    return key


def learn_keys(state: State, taxii: Taxii) -> Learned:
    """Take over what the log says of keys since the last time; every page is committed with the place to go on from.

    Raises:
        DeceivedError: a proof is wrong, or the log does not continue the one that was seen before.
    """
    log = parse_verifier(state.setting(_LOG) or pin_log(state, here(taxii)))
    before = _count(state)
    more = True
    while more:
        after = int(state.setting(_AFTER) or -1)
        told = get(taxii, "keys/", _Keys, after=str(after))
        with _deceived(log.name):
            signed = _checkpoint(state, taxii, log, told.checkpoint)
            found = [(each.index, _key_entry(each, after, signed)) for each in told.entries]
        more = told.more and bool(found)
        with state.writing():
            shelf.add_peers(state, [entry for _, entry in found])
            state.set_setting(_CHECKPOINT, told.checkpoint)
            state.set_setting(_AFTER, str(max([after, *(index for index, _ in found)])))
    keys = _count(state) - before
    good = shelf.look_again(state) if keys else 0
    return Learned(keys, good, _strange(state), shelf.contradicted(state))


def _count(state: State) -> int:
    found: int = state.rows("SELECT COUNT(*) FROM peer")[0][0]
    return found


def _strange(state: State) -> tuple[str, ...]:
    own, identity = set(state.setting(_OWN).split()), state.membership.identity
    rows = state.rows("SELECT key FROM peer WHERE pseudonym = ? ORDER BY key", identity)
    return tuple(key for (key,) in rows if key not in own)


def _checkpoint(state: State, taxii: Taxii, log: Verifier, told: str) -> Checkpoint:
    """The checkpoint, once it is proven to continue the last one that was seen."""
    signed = checkpoint.verify(note.parse(told), log)
    if state.setting(_CHECKPOINT):
        seen = checkpoint.verify(note.parse(state.setting(_CHECKPOINT)), log)
        if signed.size < seen.size:
            raise LedgerError(f"the log shrank from {seen.size} entries to {signed.size}")
        proof: list[bytes] = []
        if 0 < seen.size < signed.size:
            query = {"old": str(seen.size), "new": str(signed.size)}
            proof = _hashes(get(taxii, "ledger/consistency", _Proof, **query).hashes)
        verify_consistency(seen.size, signed.size, seen.root, signed.root, proof)
    return signed


def proven(state: State, taxii: Taxii, told: str, entries: Iterable[Entry]) -> list[Any]:
    """Entries that the hub shows, decoded, once they are proven to be in its log.

    Args:
        state: of the member, which remembers the log's key and its last checkpoint.
        taxii: the API root.
        told: the checkpoint that the proofs lead to.
        entries: as shown.

    Raises:
        DeceivedError: a proof is wrong, or the log does not continue the one that was seen before.
    """
    log = parse_verifier(state.setting(_LOG) or pin_log(state, here(taxii)))
    with _deceived(log.name):
        signed = _checkpoint(state, taxii, log, told)
        found = [_included(each, signed) for each in entries]
    with state.writing():
        state.set_setting(_CHECKPOINT, told)
    return found


@contextmanager
def _deceived(log: str) -> Iterator[None]:
    try:
        yield
    except LedgerError as error:
        do = "Keep this state, and show it to the operator and the auditors"
        raise DeceivedError(str(error), where=log, do=do) from None


def _included(told: Entry, signed: Checkpoint) -> Any:
    raw = told.entry.encode()
    verify_inclusion(leaf_hash(raw), told.index, signed.size, _hashes(told.proof), signed.root)
    return decode(raw)


def _key_entry(told: Entry, after: int, signed: Checkpoint) -> Keyed | Unkeyed:
    found = _included(told, signed)
    if told.index <= after or not isinstance(found, Keyed | Unkeyed):
        raise LedgerError("what the hub shows is no entry on a key beyond the last one", where=f"entry {told.index}")
    return found


def _hashes(written: Iterable[str]) -> list[bytes]:
    try:
        return [base64.b64decode(each, validate=True) for each in written]
    except ValueError:
        raise LedgerError("a proof is not in base64") from None


def _new(state: State) -> Path:
    key = SigningKey()
    path = state.folder / f"signing-{key_id(key.public)[:16]}.key"
    key.write(path)
    with state.writing():
        state.set_setting(_NEXT, str(path))
    return path
