"""The entries of the log: what happened, to which item, by whom. Never what the item says.

An *item* is one submitted object version; the hub gives it a random id. ``Submitted`` commits to the object by a salted
hash, so that the log says nothing to who can guess objects, while the hub can open the item to an auditor, and a member
can be shown that the object in its hands is the one in the log. Members stand under the pseudonym of the sharing group,
people under random ids. No entry has a field for text: whatever is not an id, a hash, a time, a number or one of a few
words does not fit, which is checked when an entry is written and again when it is read.
"""

import hashlib
import hmac
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Annotated, Any, ClassVar, Final, Literal

import msgspec
from msgspec import Meta, Struct

from stillwatch.forum.ledger.errors import LedgerError

#: Bytes of an entry at most.
LONGEST: Final = 16 << 10

Time = Annotated[str, Meta(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{6}Z\Z")]
Id = Annotated[str, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}\Z")]
Word = Annotated[str, Meta(pattern=r"^[a-z][a-z0-9_.-]{0,63}\Z")]
Hash = Annotated[str, Meta(pattern=r"^[0-9a-f]{64}\Z")]
Signed = Annotated[str, Meta(pattern=r"^[A-Za-z0-9+/]{86}==\Z")]
Public = Annotated[str, Meta(pattern=r"^[A-Za-z0-9+/]{43}=\Z")]
Number = Annotated[int, Meta(ge=0, lt=1 << 53)]
Ids = Annotated[tuple[Id, ...], Meta(max_length=128)]
Words = Annotated[tuple[Word, ...], Meta(max_length=16)]


class Entry(Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True, tag_field="type"):
    """An entry. ``time`` is RFC 3339 in UTC with microseconds; ``stamp`` makes one."""

    time: Time


class Arranged(Entry, frozen=True, kw_only=True):
    """Something that an operator arranges: ``by`` is which one, empty before the house has any."""

    by: Id = ""


class Enrolled(Arranged, frozen=True, kw_only=True, tag="enrolled"):
    """A member has a pseudonym in a sharing group."""

    actor: Id
    group: Id


class Granted(Arranged, frozen=True, kw_only=True, tag="granted"):
    """A member may read a collection, or write to it, from now on, and nothing else there; neither ends its rights."""

    actor: Id
    collection: Id
    read: bool
    write: bool


class Keyed(Arranged, frozen=True, kw_only=True, tag="keyed"):
    """A pseudonym signs with this Ed25519 key (base64) from now on. ``by`` is empty where the member brought it."""

    actor: Id
    public: Public


class Unkeyed(Arranged, frozen=True, kw_only=True, tag="unkeyed"):
    """A pseudonym no longer signs with the key of this id. ``by`` is empty where the member gave it up."""

    actor: Id
    key: Hash


class Appointed(Arranged, frozen=True, kw_only=True, tag="appointed"):
    """A person has these roles from now on, and no others; none ends every role."""

    person: Id
    roles: Words


class Issued(Arranged, frozen=True, kw_only=True, tag="issued"):
    """A person has a token, known by its public half, until it ``expires``."""

    token: Id
    person: Id
    expires: Time


class Revoked(Arranged, frozen=True, kw_only=True, tag="revoked"):
    """A token is none any more."""

    token: Id


class Ruled(Entry, frozen=True, kw_only=True, tag="ruled"):
    """The guard's policy from now on: SHA-256 of its file, and who signed it off (ids, not names)."""

    policy: Hash
    version: Id
    approved_by: Ids


class Submitted(Entry, frozen=True, kw_only=True, tag="submitted"):
    """A member submitted an object version. ``commitment`` is as of ``commit``; ``object_type`` its STIX type."""

    item: Id
    actor: Id
    person: Id
    collection: Id
    object_type: Word
    commitment: Hash


class Quarantined(Entry, frozen=True, kw_only=True, tag="quarantined"):
    """An item waits for counsel.

    ``cause`` is ``guard``, or what made a released item suspect; ``categories`` are the guard's, and none otherwise.
    """

    item: Id
    cause: Word
    categories: Words
    policy: Hash


class Withheld(Entry, frozen=True, kw_only=True, tag="withheld"):
    """An item does not leave, by the guard, by counsel (who is ``person`` then), or as nobody decided in ``time``."""

    item: Id
    by: Literal["guard", "counsel", "time"]
    categories: Words
    policy: Hash
    person: Id = ""


class Released(Entry, frozen=True, kw_only=True, tag="released"):
    """Readers of the collection see an item at a position of its order, by the guard or by counsel (``person`` then).

    An item that another one stood for, or that was suspended, is released again, at the position it has then; one that
    was suspended for want of an answer to an appeal, ``by`` that ``answer``.
    """

    item: Id
    by: Literal["guard", "counsel", "answer"]
    policy: Hash
    position: Number
    person: Id = ""


class Merged(Entry, frozen=True, kw_only=True, tag="merged"):
    """An item that may leave says what a released one says already: ``into`` stands for both. As of ``Released``."""

    item: Id
    into: Id
    policy: Hash
    by: Literal["guard", "counsel"] = "guard"
    person: Id = ""


class Fetched(Entry, frozen=True, kw_only=True, tag="fetched"):
    """A member fetched a page: ``count`` items at positions ``first`` to ``last``."""

    actor: Id
    collection: Id
    first: Number
    last: Number
    count: Number


class Recalled(Entry, frozen=True, kw_only=True, tag="recalled"):
    """Items are withdrawn or erased; ``owed`` is who fetched them and has to acknowledge.

    The submitter is among them where the house did it.

    An entry has 128 of either at most. More are told in as many ``parts`` as it takes, one after the other under one
    id, ``part`` counting from 0: the recall is that of all items from all who owe, and acknowledged once for all.
    """

    recall: Id
    kind: Literal["withdrawn", "erased"]
    actor: Id
    items: Annotated[tuple[Id, ...], Meta(min_length=1, max_length=128)]
    owed: Ids
    reason: Word = ""
    part: Number = 0
    parts: Annotated[int, Meta(ge=1, lt=1 << 53)] = 1


class Acknowledged(Entry, frozen=True, kw_only=True, tag="acknowledged"):
    """A member says, signed, that it heard of a recall and followed it. ``signed_at`` is the member's own time."""

    recall: Id
    actor: Id
    signed_at: Time
    key: Hash
    signature: Signed


class Resolved(Entry, frozen=True, kw_only=True, tag="resolved"):
    """An operator looked up which member a pseudonym is."""

    actor: Id
    person: Id
    reason: Word


class Reported(Entry, frozen=True, kw_only=True, tag="reported"):
    """A member's feedback on an item."""

    item: Id
    actor: Id
    kind: Literal["sighting", "confirmation", "false_positive"]


class Appealed(Entry, frozen=True, kw_only=True, tag="appealed"):
    """An affected party objects to an item; its submitter has to answer until ``deadline``."""

    appeal: Id
    item: Id
    deadline: Time


class Lapsed(Entry, frozen=True, kw_only=True, tag="lapsed"):
    """Nobody answered an appeal before its deadline, and this was done with what it objects to, by the policy."""

    appeal: Id
    measure: Literal["suspended", "erased"]


class Answered(Entry, frozen=True, kw_only=True, tag="answered"):
    """An appeal is answered."""

    appeal: Id
    actor: Id
    outcome: Literal["upheld", "corrected", "rejected"]


class Announced(Entry, frozen=True, kw_only=True, tag="announced"):
    """A keyholder's public share (base64) of an epoch, for private matching: every member is told the same."""

    holder: Id
    epoch: Id
    public: Public


class Ended(Entry, frozen=True, kw_only=True, tag="ended"):
    """What was kept for the private matching of an epoch is deleted, and this keyholder's share of it destroyed."""

    holder: Id
    epoch: Id


class Evaluated(Entry, frozen=True, kw_only=True, tag="evaluated"):
    """A member had identifiers evaluated for private matching: how many, in which epoch."""

    actor: Id
    epoch: Id
    count: Number


class Compared(Entry, frozen=True, kw_only=True, tag="compared"):
    """How far two members' comparison of pseudonyms is; ``cardinality`` is the count alone, ``disclosure`` which."""

    actor: Id
    other: Id
    epoch: Id
    stage: Literal["offered", "declined", "accepted", "cardinality", "disclosure"]
    session: Id = ""
    kinds: Words = ()


class Consented(Entry, frozen=True, kw_only=True, tag="consented"):
    """A member decided on the disclosure of a comparison; ``statement`` is SHA-256 of what it signed."""

    actor: Id
    session: Id
    agree: bool
    statement: Hash


class Pooled(Entry, frozen=True, kw_only=True, tag="pooled"):
    """A member put up clusters, as tags, to be joined with those of its group."""

    actor: Id
    epoch: Id
    clusters: Number


class Joined(Entry, frozen=True, kw_only=True, tag="joined"):
    """The clusters of a group's members were joined."""

    group: Id
    epoch: Id
    members: Number


ANY: Final[Any] = (
    Enrolled | Granted | Keyed | Unkeyed | Appointed | Issued | Revoked | Ruled | Submitted | Quarantined | Withheld
    | Released | Merged | Fetched | Recalled | Acknowledged | Resolved | Reported | Appealed | Lapsed | Answered
    | Announced | Ended | Evaluated | Compared | Consented | Pooled | Joined
)  # fmt: skip
_encode = msgspec.json.Encoder(order="sorted").encode
_decode = msgspec.json.Decoder(ANY).decode


def stamp(micros: int) -> str:
    """The time of an entry, of microseconds since 1970."""
    seconds, rest = divmod(micros, 1_000_000)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{rest:06d}Z"


def encode(entries: Iterable[Entry]) -> list[bytes]:
    """The canonical JSON (RFC 8785) of each entry: the leaves of the log.

    Raises:
        LedgerError: an entry holds what does not fit it; nothing that cannot be read back is ever written.
    """
    written = [_encode(each) for each in entries]
    for each in written:
        decode(each)
    return written


def decode(raw: bytes) -> Any:
    """The entry that ``raw`` is the canonical JSON of.

    Raises:
        LedgerError: it is none, or it is written in another way than ``encode`` does.
    """
    try:
        entry = _decode(raw) if len(raw) <= LONGEST else None
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        raise LedgerError(f"is no entry of a log: {error}") from None
    if entry is None or _encode(entry) != raw:
        raise LedgerError("is no entry of a log in canonical JSON")
    return entry


class Opening(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What opens an item to an auditor: the salt (hexadecimal) of its commitment, and the object."""

    item: Id
    salt: Annotated[str, Meta(pattern=r"^[0-9a-f]{32}\Z")]
    object: dict[str, Any]

    SALT: ClassVar[int] = 16


def commit(salt: bytes, object_digest: bytes) -> str:
    """The commitment to an object of SHA-256 ``object_digest`` (of its canonical bytes, its signature among them).

    HMAC-SHA-256 under a random salt of 16 bytes, one for each item: it hides the object from who can guess it and binds
    the hub to it, and it can be opened by the salt and the object alone. It stands after an erasure.
    """
    return hmac.digest(salt, b"stillwatch item\n" + object_digest, hashlib.sha256).hex()
