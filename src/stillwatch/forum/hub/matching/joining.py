"""Clusters of a sharing group's members become one campaign: a round an epoch, joined once, told to each in its part.

A round begins when a member (its maker) has sealed a group key to itself and to others; those are its participants. It
is joined when every one of them has put up its clusters, or on the last day of the epoch, and not again: who could see
the outcome and put up other clusters would learn by trying.
"""

from hashlib import sha256
from typing import Final

import msgspec
from msgspec import Struct

from stillwatch.forum.hub.errors import Absent, Conflict, TooLarge, Unprocessable
from stillwatch.forum.hub.hub import Hub
from stillwatch.forum.hub.interface import Records
from stillwatch.forum.hub.log import append
from stillwatch.forum.hub.matching.keyholder import evaluated, still, told
from stillwatch.forum.hub.matching.matching import current, keep, kept, of, own, public_keys
from stillwatch.forum.ledger.entries import Joined as JoinedEntry
from stillwatch.forum.ledger.entries import Pooled as PooledEntry
from stillwatch.forum.matching import joining as protocol
from stillwatch.forum.matching import messages
from stillwatch.forum.matching.keys import Share
from stillwatch.forum.matching.messages import Exchange, SealedKey, Submission, View
from stillwatch.schema import matching
from stillwatch.schema.forum import Principal, Pseudonym
from stillwatch.schema.matching import KINDS, GroupKey, Joined, Kept, Pooled

_DAY: Final = 86_400_000_000
_FAMILIES: Final = frozenset(KINDS.values())


class Told(Struct, frozen=True):
    """What a member is told of its group's round: how many take part, how many have put up clusters, its campaigns."""

    participants: int
    submitted: int
    joined: bool
    views: list[View] = []


def exchange(hub: Hub, who: Principal, raw: bytes) -> None:
    """Take the caller's key of the epoch, to which the group key is sealed; the first one stands.

    Raises:
        Unprocessable: it is not signed by the caller's pseudonym, or of another epoch.
        Conflict: another one is there.
    """
    with told():
        made = messages.read(raw, Exchange)
    share, now = current(hub), hub.clock()
    with hub.store.writing() as tx:
        tx.log.lock(now)
        still(tx, share)
        mine = _signed(tx.records, who, made, made.member, share)
        held = tx.records.one(matching.Exchange, epoch=share.scope.epoch, member=mine.id)
        if held is not None and held.message != raw:
            raise Conflict("you told another key for this epoch", where=mine.id)
        if held is None:
            tx.records.add(matching.Exchange(share.scope.epoch, mine.id, mine.group, raw))


def exchanges(hub: Hub, who: Principal, pseudonym: str) -> list[bytes]:
    """The keys of everybody in the group of a pseudonym of the caller's, packed."""
    share = current(hub)
    with hub.store.reading() as tx:
        group = own(tx.records, who, pseudonym).group
        found = tx.records.find(matching.Exchange, order="member", epoch=share.scope.epoch, group=group)
    return [each.message for each in found]


def group_key(hub: Hub, who: Principal, raw: bytes) -> None:
    """Take the group's key, sealed to one member, from the round's maker; harmless to repeat.

    Raises:
        Unprocessable: it is not signed by the caller, not of this epoch, or for nobody of the group.
        Conflict: the round has another maker, the member another key, or it is joined.
    """
    with told():
        made = messages.read(raw, SealedKey)
    share, now = current(hub), hub.clock()
    epoch = share.scope.epoch
    with hub.store.writing() as tx:
        tx.log.lock(now)
        still(tx, share)
        maker = _signed(tx.records, who, made, made.maker, share)
        if tx.records.one(matching.Exchange, epoch=epoch, member=made.member, group=maker.group) is None:
            raise Unprocessable("a key for who has not told its own in this epoch", where=made.member)
        begun = tx.records.find(GroupKey, epoch=epoch, group=maker.group)
        if any(each.maker != maker.id for each in begun):
            raise Conflict("another member began this round", where=begun[0].maker)
        held = [each for each in begun if each.member == made.member]
        if tx.records.one(Joined, epoch=epoch, group=maker.group) or (held and held[0].message != raw):
            raise Conflict("the round is joined, or the member has another key", where=made.member)
        if not held:
            tx.records.add(GroupKey(epoch, made.member, maker.group, maker.id, raw))


def key_for(hub: Hub, who: Principal, pseudonym: str) -> bytes:
    """The group's key, sealed to a pseudonym of the caller's.

    Raises:
        Absent: nobody has sealed one to it in this epoch.
    """
    share = current(hub)
    with hub.store.reading() as tx:
        mine = own(tx.records, who, pseudonym)
        found = tx.records.one(GroupKey, epoch=share.scope.epoch, member=mine.id)
    if found is None:
        raise Absent("nobody has sealed the group's key to you in this epoch", where=pseudonym)
    return found.message


def submit(hub: Hub, who: Principal, raw: bytes) -> None:
    """Take a participant's clusters, once an epoch; with the last one's they are joined.

    Raises:
        Unprocessable: no such submission, or of another epoch or member.
        Absent: the member takes no part in the round.
        TooLarge: more artifacts than it had identifiers evaluated in the epoch.
        Conflict: it has put up others, or the round is joined.
    """
    with told():
        made = messages.read(raw, Submission)
        protocol.join([made])  # refuses what is there twice
    if any(artifact.family not in _FAMILIES for cluster in made.clusters for artifact in cluster.artifacts):
        raise Unprocessable("a family that no kind is of", where="family", do=f"Known: {sorted(_FAMILIES)}")
    share, now = current(hub), hub.clock()
    epoch = share.scope.epoch
    with hub.store.writing() as tx:
        tx.log.lock(now)
        mine = own(tx.records, who, made.member)
        if made.scope != share.scope:
            raise Unprocessable(f"clusters of epoch {made.scope.epoch}; it is {epoch}")
        if tx.records.one(GroupKey, epoch=epoch, member=mine.id) is None:
            raise Absent("you take no part in a round of this epoch", where=mine.id)
        digest = sha256(raw).hexdigest()
        held = tx.records.one(Pooled, epoch=epoch, member=mine.id)
        if held is not None and held.digest == digest:
            return
        if held is not None or tx.records.one(Joined, epoch=epoch, group=mine.group) is not None:
            raise Conflict("you have put up other clusters in this epoch, or the round is joined", where=mine.id)
        tags = {artifact.tag for cluster in made.clusters for artifact in cluster.artifacts}
        if len(tags) > evaluated(tx, who.member, epoch):
            raise TooLarge("more artifacts than you had identifiers evaluated in this epoch", where=mine.id)
        keep(tx, share, _name(mine.id, "clusters"), raw)
        tx.records.add(Pooled(epoch, mine.id, mine.group, digest, len(made.clusters), now))
        append(tx, now, PooledEntry(time="", actor=mine.id, epoch=str(epoch), clusters=len(made.clusters)))
    settle(hub, mine.group)


def settle(hub: Hub, group: str) -> None:
    """Join a round that is complete, or over; the clusters are deleted then."""
    share, now = current(hub), hub.clock()
    epoch = share.scope.epoch
    with hub.store.reading() as tx:
        there = _complete(tx.records, epoch, group, last_day=of(hub).holder.epoch(now + _DAY) > epoch)
        submissions = [_clusters(tx.records, share, each.member) for each in there]
    if not there:
        return
    with told():
        campaigns = protocol.join(submissions, of(hub).rules)
    with hub.store.writing() as tx:
        tx.log.lock(now)
        still(tx, share)
        if tx.records.one(Joined, epoch=epoch, group=group) is not None:  # somebody else has joined them meanwhile
            return
        for member, views in protocol.views(campaigns).items():
            keep(tx, share, _name(member, "views"), msgspec.msgpack.encode(views))
        for each in tx.records.find(Pooled, epoch=epoch, group=group):
            tx.records.remove(Kept, name=_name(each.member, "clusters"))
        tx.records.add(Joined(epoch, group, len(there), len(campaigns), now))
        append(tx, now, JoinedEntry(time="", group=group, epoch=str(epoch), members=len(there)))


def _complete(records: Records, epoch: int, group: str, last_day: bool) -> list[Pooled]:
    """Who has put up clusters, if they are to be joined now."""
    if records.one(Joined, epoch=epoch, group=group) is not None:
        return []
    there = records.find(Pooled, order="member", epoch=epoch, group=group)
    whole = len(there) == len(records.find(GroupKey, epoch=epoch, group=group))
    return there if len(there) > 1 and (whole or last_day) else []


def views(hub: Hub, who: Principal, pseudonym: str) -> Told:
    """How far the round is, and the campaigns that a pseudonym of the caller's sees a part of.

    Raises:
        Absent: it takes no part in a round of this epoch.
    """
    share = current(hub)
    epoch = share.scope.epoch
    with hub.store.reading() as tx:
        mine = own(tx.records, who, pseudonym)
        if tx.records.one(GroupKey, epoch=epoch, member=mine.id) is None:
            raise Absent("you take no part in a round of this epoch", where=pseudonym)
    settle(hub, mine.group)
    with hub.store.reading() as tx:
        participants = len(tx.records.find(GroupKey, epoch=epoch, group=mine.group))
        submitted = len(tx.records.find(Pooled, epoch=epoch, group=mine.group))
        joined = tx.records.one(Joined, epoch=epoch, group=mine.group) is not None
        found = kept(tx.records, share, _name(mine.id, "views"))
    return Told(participants, submitted, joined, msgspec.msgpack.decode(found, type=list[View]) if found else [])


def _signed(records: Records, who: Principal, made: Exchange | SealedKey, maker: str, share: Share) -> Pseudonym:
    """The caller's pseudonym that made a message of this epoch and signed it."""
    mine = own(records, who, maker)
    if made.scope != share.scope:
        raise Unprocessable(f"a message of epoch {made.scope.epoch}; it is {share.scope.epoch}")
    with told():
        messages.signer(made, public_keys(records, maker))
    return mine


def _clusters(records: Records, share: Share, member: str) -> Submission:
    found = kept(records, share, _name(member, "clusters"))
    if found is None:
        raise Absent("clusters that are no longer kept", where=member)
    return messages.read(found, Submission)


def _name(member: str, what: str) -> str:
    return f"{member} {what}"
