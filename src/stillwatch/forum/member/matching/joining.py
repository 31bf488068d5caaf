"""Putting up clusters to be joined with those of a sharing group; each step can be repeated, and goes on where it was.

A member tells a key of its own for the epoch. One of them (the maker) makes the group's key and seals it to everybody
whose key it can trust. Each then sends its clusters as tags under that key, and is told which of its own are part of a
campaign that others see too.
"""

import base64
import os
from dataclasses import dataclass

import msgspec
import numpy as np
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey

from stillwatch.errors import UsageError
from stillwatch.forum.matching import bands, group_key, joining, messages
from stillwatch.forum.matching.errors import MatchingError
from stillwatch.forum.matching.messages import Exchange, SealedKey, Submission
from stillwatch.forum.member.errors import RefusedError
from stillwatch.forum.member.matching.client import Client
from stillwatch.forum.member.matching.identifiers import Artifact, Cluster, Identifiers
from stillwatch.schema.matching import KINDS


class _Exchanges(msgspec.Struct):
    exchanges: list[str]


class Campaign(msgspec.Struct, frozen=True):
    """A joined campaign as the hub tells of it: ids of one's own clusters, and floors of the whole."""

    campaign: str
    own: list[str]
    members: int
    accounts: int


class _Round(msgspec.Struct):
    participants: int
    submitted: int
    joined: bool
    campaigns: list[Campaign]


@dataclass(frozen=True, slots=True)
class Joined:
    """A campaign that the member sees a part of: its own clusters by name, how many members and accounts at least."""

    clusters: tuple[str, ...]
    members: int
    accounts: int


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a round is.

    Attributes:
        ready: members whose key was told, and can be trusted; the maker seals to them.
        unknown: members whose key was told, and of whom no signing key is known.
        waits: for what; "" once it is joined.
        campaigns: what came of it.
    """

    ready: tuple[str, ...]
    unknown: tuple[str, ...]
    waits: str
    campaigns: tuple[Joined, ...] = ()


def advance(client: Client, identifiers: Identifiers | None, make: bool = False) -> Progress:
    """Do the next steps of the round, as far as the others let it.

    Args:
        client: of the member.
        identifiers: the clusters to put up; None where they were put up before.
        make: whether to make the group's key for everybody who is ready.

    Raises:
        UsageError: no clusters are given and none were put up.
        MatchingError: a key is not sealed by who it says.
    """
    private = _exchange(client)
    ready, unknown = _ready(client)
    if make:
        _make(client, ready)
    key = _group_key(client, private)
    if key is None:
        waits = "the group's key: once everybody who takes part is ready, one of you runs this with --start"
        return Progress(tuple(sorted(ready)), unknown, waits)
    _submit(client, key, identifiers)
    told = client.get("campaigns", _Round, member=client.me)
    waits = "" if told.joined else f"the others: {told.submitted} of {told.participants} have put up clusters"
    return Progress(tuple(sorted(ready)), unknown, waits, tuple(_joined(client, each) for each in told.campaigns))


def _exchange(client: Client) -> X25519PrivateKey:
    """The member's own key of the epoch, made and told once."""
    epoch = client.scope.epoch
    found = client.store.rows("SELECT exchange, told FROM round WHERE epoch = ?", epoch)
    if not found:
        private = X25519PrivateKey.generate()
        made = Exchange(client.scope, client.me, private.public_key().public_bytes_raw())
        told = messages.pack(messages.sign(made, client.key))
        row = (epoch, private.private_bytes_raw(), told)
        with client.store.writing() as db:
            db.execute("INSERT INTO round VALUES (?, ?, ?, NULL, NULL)", row)
        found = [(row[1], told)]
    client.put("exchange", found[0][1])
    return X25519PrivateKey.from_private_bytes(found[0][0])


def _ready(client: Client) -> tuple[dict[str, X25519PublicKey], tuple[str, ...]]:
    """Members' keys of the epoch that a known signing key vouches for, and those of whom none is known."""
    ready, unknown = {}, []
    for written in client.get("exchanges", _Exchanges, member=client.me).exchanges:
        told = messages.read(base64.b64decode(written), Exchange)
        try:
            client.signer(told, told.member)
        except UsageError:
            unknown.append(told.member)
            continue
        if told.scope != client.scope:
            raise MatchingError("a key of another epoch", where=told.member)
        ready[told.member] = X25519PublicKey.from_public_bytes(told.exchange)
    return ready, tuple(sorted(unknown))


def _make(client: Client, ready: dict[str, X25519PublicKey]) -> None:
    """Make the group's key, if this member has not, and seal it to everybody who is ready."""
    epoch = client.scope.epoch
    if len(ready) < 2:
        raise UsageError("nobody else is ready", where="--start", do="Have another member run join-clusters first")
    with client.store.writing() as db:
        (key,) = db.execute("SELECT key FROM round WHERE epoch = ?", (epoch,)).fetchone()
        if key is None:
            key = group_key.generate()
            db.execute("UPDATE round SET key = ? WHERE epoch = ?", (key, epoch))
        known = {row[0] for row in db.execute("SELECT member FROM sealed WHERE epoch = ?", (epoch,))}
        for member in sorted(ready.keys() - known):
            sealed = group_key.seal(key, client.scope, client.me, client.key, member, ready[member])
            db.execute("INSERT INTO sealed VALUES (?, ?, ?)", (epoch, member, messages.pack(sealed)))
    for (message,) in client.store.rows("SELECT message FROM sealed WHERE epoch = ? ORDER BY member", epoch):
        try:
            client.put("group-key", message)
        except RefusedError as error:
            if error.status != 409:
                raise
            _give_up(client)  # another member was first, or the round is joined
            return


def _give_up(client: Client) -> None:
    """Forget a key of one's own making that is not the group's."""
    epoch = client.scope.epoch
    with client.store.writing() as db:
        db.execute("UPDATE round SET key = NULL WHERE epoch = ? AND submission IS NULL", (epoch,))
        db.execute("DELETE FROM sealed WHERE epoch = ?", (epoch,))


def _group_key(client: Client, private: X25519PrivateKey) -> bytes | None:
    """The group's key, once it is there."""
    epoch = client.scope.epoch
    (held,) = client.store.rows("SELECT key FROM round WHERE epoch = ?", epoch)[0]
    if held is not None:
        return bytes(held)
    try:
        told = client.fetch("group-key", SealedKey, member=client.me)
    except RefusedError as error:
        if error.status != 404:
            raise
        return None
    maker = client.signer(told, told.maker)
    key = group_key.unseal(told, client.scope, client.me, private, maker)
    with client.store.writing() as db:
        db.execute("UPDATE round SET key = ? WHERE epoch = ?", (key, epoch))
    return key


def _submit(client: Client, key: bytes, identifiers: Identifiers | None) -> None:
    """Send the clusters, the same bytes every time."""
    epoch = client.scope.epoch
    (held,) = client.store.rows("SELECT submission FROM round WHERE epoch = ?", epoch)[0]
    if held is None:
        if identifiers is None:
            raise UsageError("no clusters to put up", where="--identifiers", do="Give what `forum identifiers` wrote")
        names, made = _submission(client, key, identifiers)
        held = messages.pack(made)
        with client.store.writing() as db:
            db.executemany("INSERT INTO cluster VALUES (?, ?, ?)", ((epoch, id_, name) for id_, name in names.items()))
            db.execute("UPDATE round SET submission = ? WHERE epoch = ?", (held, epoch))
    client.put("clusters", held)


def _submission(client: Client, key: bytes, identifiers: Identifiers) -> tuple[dict[str, str], Submission]:
    client.evaluate([(a.kind, a.value) for each in identifiers.clusters for a in each.artifacts])
    names, clusters = {}, []
    for each in identifiers.clusters:
        id_ = os.urandom(16)
        names[id_.hex()] = each.id
        clusters.append(messages.Cluster(id_, bands.floor_of(each.accounts), _tagged(client, key, each)))
    return names, Submission(client.scope, client.me, tuple(clusters))


def _tagged(client: Client, key: bytes, cluster: Cluster) -> tuple[messages.Artifact, ...]:
    """A cluster's artifacts as the hub may see them, in the order of their tags, which says nothing."""
    by_kind: dict[str, list[Artifact]] = {}
    for each in cluster.artifacts:
        by_kind.setdefault(each.kind, []).append(each)
    found = []
    for kind, some in by_kind.items():
        outputs = client.store.pseudonyms(client.scope.epoch, kind, [each.value for each in some])
        tags = joining.group_tags(key, np.ascontiguousarray(outputs))
        found += [messages.Artifact(KINDS[kind], tags[i].tobytes(), each.rarity) for i, each in enumerate(some)]
    return tuple(sorted(found, key=lambda each: each.tag))


def _joined(client: Client, told: Campaign) -> Joined:
    names = dict(client.store.rows("SELECT id, name FROM cluster WHERE epoch = ?", client.scope.epoch))
    own = tuple(sorted(names[each] for each in told.own if each in names))
    if len(own) < len(told.own) or not own:
        raise MatchingError("the hub tells of clusters that are not yours", do="Report the hub to the forum.")
    return Joined(own, told.members, told.accounts)
