"""Private matching at a hub: its share of the key, its trustee, and who asks in which pseudonym."""

from dataclasses import dataclass, field

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from stillwatch.forum.hub.errors import Absent, Forbidden, Unprocessable
from stillwatch.forum.hub.hub import Hub
from stillwatch.forum.hub.interface import Records, Transaction
from stillwatch.forum.hub.keys import Proven
from stillwatch.forum.hub.matching import holder as holders
from stillwatch.forum.hub.matching import keyholder
from stillwatch.forum.hub.matching.holder import Holder
from stillwatch.forum.hub.matching.keyholder import told
from stillwatch.forum.ledger.ledger import Ledger
from stillwatch.forum.matching import keys, messages
from stillwatch.forum.matching.joining import Rules
from stillwatch.forum.matching.keys import Share
from stillwatch.forum.matching.messages import Announcement, Question
from stillwatch.schema.forum import Key, Principal, Pseudonym, Signed
from stillwatch.schema.matching import Announced, Kept


@dataclass(frozen=True)
class Trustee:
    """The other keyholder: its name, where members ask it, and the key that it signs announcements with."""

    name: str
    url: str
    public: bytes


@dataclass(frozen=True)
class Matching:
    """What the hub is given for private matching.

    Args:
        holder: the hub's own share.
        trustee: who has the other; without one there is no private matching, as one share is the whole key.
        rules: of joining.
    """

    holder: Holder
    trustee: Trustee
    rules: Rules = field(default_factory=Rules)


def of(hub: Hub) -> Matching:
    """The hub's private matching.

    Raises:
        Absent: it offers none.
    """
    if hub.matching is None:
        raise Absent("this hub offers no private matching", do="Its operator begins it: stillwatch forum matching init")
    return hub.matching


def current(hub: Hub) -> Share:
    """The hub's share of the epoch that runs."""
    return keyholder.current(hub.store, of(hub).holder, hub.clock())


def announcements(hub: Hub) -> tuple[Signed, list[tuple[bytes, Proven]]]:
    """The public shares of the epoch that runs: the hub's, and the trustee's once somebody has brought it.

    Each is packed, with the log's entry on it and the proof that leads to the checkpoint.
    """
    share = current(hub)
    signed = hub.checkpoint()
    with hub.store.reading() as tx:
        ledger, found = Ledger(tx.log, tx.log.origin() or ""), []
        for each in tx.records.find(Announced, order="holder", epoch=share.scope.epoch):
            if each.entry < signed.size:  # one that came after the checkpoint is told the next time
                proof = list(ledger.tree.inclusion(each.entry, signed.size))
                found.append((each.message, Proven(each.entry, ledger.store.entries(each.entry, 1)[0], proof)))
    return signed, found


def announce(hub: Hub, raw: bytes) -> None:
    """Take the trustee's announcement, which any member brings, and put it into the log; harmless to repeat.

    Raises:
        Unprocessable: it is not the trustee's of this epoch, or another than the one in the log.
    """
    trustee, share, now = of(hub).trustee, current(hub), hub.clock()
    with told():
        message = messages.read(raw, Announcement)
        signer = {trustee.name: Ed25519PublicKey.from_public_bytes(trustee.public)}
        keys.announced([message], share.scope, signer)
    with hub.store.writing() as tx:
        tx.log.lock(now)
        held = tx.records.one(Announced, epoch=share.scope.epoch, holder=trustee.name)
        if held is not None:
            if messages.read(held.message, Announcement).public != message.public:
                raise Unprocessable("the trustee announced another share to somebody else", where=trustee.name)
            return
        keyholder.announce(tx, now, message)


def answer(hub: Hub, who: Principal, raw: bytes) -> bytes:
    """The hub's answer to a member's question; see ``keyholder.answer``.

    Raises:
        Forbidden: the question is another member's.
    """
    with told():
        member = messages.read(raw, Question).member
    with hub.store.reading() as tx:
        own(tx.records, who, member)
        public = public_keys(tx.records, member)
    return keyholder.answer(hub.store, of(hub).holder, raw, lambda _: public, who.member, hub.clock())


def own(records: Records, who: Principal, pseudonym: str) -> Pseudonym:
    """The pseudonym, if it is the caller's member's.

    Raises:
        Forbidden: it is not.
    """
    found = records.one(Pseudonym, id=pseudonym, member=who.member)
    if found is None:
        raise Forbidden("not a pseudonym of yours", where=pseudonym[:80])
    return found


def peer(records: Records, mine: Pseudonym, pseudonym: str) -> Pseudonym:
    """Another member of one's sharing group.

    Raises:
        Absent: there is no such one.
    """
    found = records.one(Pseudonym, id=pseudonym, group=mine.group)
    if found is None or found.member == mine.member:
        raise Absent("no such other member of your sharing group", where=pseudonym[:80])
    return found


def public_keys(records: Records, pseudonym: str, retired: bool = False) -> list[bytes]:
    """The keys that a pseudonym signs with now; with ``retired``, those too that it signed with before."""
    return [each.public for each in records.find(Key, pseudonym=pseudonym) if retired or each.retired is None]


def keep(tx: Transaction, share: Share, name: str, body: bytes) -> None:
    """Keep a tag list or an outcome until the epoch ends; the caller holds the log's row.

    Raises:
        Conflict: it has ended.
    """
    keyholder.still(tx, share)
    tx.records.add(Kept(name, share.scope.epoch, holders.seal(share, name, body)))


def kept(records: Records, share: Share, name: str) -> bytes | None:
    """What was kept under a name; None where nothing was."""
    found = records.one(Kept, name=name)
    return holders.unseal(share, name, found.body) if found else None
