"""The nouns of the hub: what it remembers of members, collections, objects and of what became of them.

Plain frozen records; ``storage`` keeps each in a table of its own. Times are microseconds since 1970-01-01 UTC. An
identifier that the hub gives is random and says nothing about who or when.
"""

from dataclasses import dataclass
from enum import IntEnum, StrEnum
from typing import Literal

#: Why an operator may look up who is behind a pseudonym.
Resolving = Literal["abuse", "appeal", "court_order", "member_request", "regulator_request", "technical_fault"]


class Role(StrEnum):
    """What a person may do; a person may have several."""

    SUBMITTER = "submitter"
    ANALYST = "analyst"
    COUNSEL = "counsel"
    OPERATOR = "operator"
    AUDITOR = "auditor"


class State(IntEnum):
    """What readers see of an object version."""

    RELEASED = 0  # read by whoever may read the collection
    SUSPENDED = 1  # withdrawn from sight until counsel decides
    DUPLICATE = 2  # equal in content to another member's object, which stands for both
    ERASED = 3  # a tombstone: its place in the order remains, its content does not


@dataclass(frozen=True, slots=True)
class Member:
    """A company; ``house`` is the one that operates the hub. ``certificate``: SHA-256 of its TLS client certificate."""

    id: str
    name: str
    house: bool
    certificate: str | None
    created: int
    disabled: bool = False


@dataclass(frozen=True, slots=True)
class Person:
    """Who acts for a member, and in which roles."""

    id: str
    member: str
    name: str
    roles: tuple[str, ...]
    created: int
    disabled: bool = False


@dataclass(frozen=True, slots=True)
class Token:
    """A person's bearer token: its public half, and the hash of its secret half."""

    id: str
    hash: bytes
    person: str
    created: int
    expires: int
    revoked: int | None = None


@dataclass(frozen=True, slots=True)
class Principal:
    """Who makes a request: a person of a member."""

    person: str
    member: str
    house: bool
    roles: frozenset[str]


@dataclass(frozen=True, slots=True)
class Group:
    """A sharing group: members that know each other by pseudonyms only."""

    id: str
    title: str
    created: int


@dataclass(frozen=True, slots=True)
class Pseudonym:
    """A member in a group: a STIX identity id that only the hub can resolve."""

    id: str
    group: str
    member: str
    created: int


@dataclass(frozen=True, slots=True)
class Key:
    """An Ed25519 public key that a pseudonym signs with; ``id`` is the SHA-256 of the key.

    ``entry`` and ``retired_entry`` are the positions of the log's entries that say so.
    """

    id: str
    pseudonym: str
    public: bytes
    created: int
    retired: int | None = None
    entry: int | None = None
    retired_entry: int | None = None


@dataclass(frozen=True, slots=True)
class Collection:
    """A TAXII collection of a group. ``signed``: whether an object without a good signature is refused.

    ``purpose`` and ``tlp``, the strictest level that it can honour, are the context in which the guard decides.
    """

    number: int
    id: str
    alias: str
    title: str
    description: str
    group: str
    signed: bool
    created: int
    purpose: str
    tlp: str


@dataclass(frozen=True, slots=True)
class Right:
    """What a member may do with a collection."""

    collection: int
    member: str
    read: bool
    write: bool


@dataclass(frozen=True, slots=True)
class NewObject:
    """An object version about to be stored.

    Args:
        id: STIX id.
        type: STIX type.
        version: ``modified``, else ``created``, as written in the object; empty for an object that has neither.
        moment: ``version`` in microseconds; 0 for an object without one.
        spec: STIX version of the object.
        body: its JSON.
        digest: SHA-256 of its canonical JSON.
        content: SHA-256 of what it says apart from who says it and when; equal for equal indicators of two members.
        revoked: whether it revokes the object.
        item: random id under which the log speaks of this version.
    """

    id: str
    type: str
    version: str
    moment: int
    spec: str
    body: bytes
    digest: bytes
    content: bytes
    revoked: bool
    item: str


@dataclass(frozen=True, slots=True)
class Known:
    """What is stored of an object version already."""

    position: int
    id: str
    type: str
    moment: int
    digest: bytes
    content: bytes
    member: str
    state: int
    added: int
    item: str
    submission: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """An object version as it is read; ``body`` is empty where only the manifest was asked for."""

    position: int
    id: str
    version: str
    spec: str
    added: int
    digest: bytes
    body: bytes


@dataclass(frozen=True, slots=True)
class Submission:
    """One envelope and what became of its objects (TAXII 2.1 §4.3.1). The three lists are JSON."""

    id: str
    collection: int
    member: str
    person: str
    time: int
    successes: str
    failures: str
    pendings: str


@dataclass(frozen=True, slots=True)
class Quarantined:
    """An object held back until a second person decides.

    ``cause`` is ``guard``, or what made a released object suspect: ``flood``, ``false_positives``, ``broad``,
    ``appeal``. ``verdict`` is the guard's, as JSON. ``decision`` is ``released``, ``rejected`` or ``expired``; the
    body goes with every one. ``item`` is the log's.
    """

    id: str
    collection: int
    member: str
    person: str
    submission: str
    object: str
    type: str
    version: str
    moment: int
    spec: str
    body: bytes | None
    digest: bytes
    content: bytes
    revoked: bool
    cause: str
    verdict: str
    time: int
    item: str
    decision: str | None = None
    decided_by: str | None = None
    reason: str | None = None
    decided: int | None = None


@dataclass(frozen=True, slots=True)
class Withheld:
    """An object that did not leave: which, and by which category; never its content. ``id`` is the log's item."""

    id: str
    collection: int
    member: str
    object: str
    moment: int
    digest: bytes
    category: str
    message: str
    policy: str
    time: int


@dataclass(frozen=True, slots=True)
class Fetch:
    """One page that a member fetched: the first and the last position on it."""

    id: str
    collection: int
    member: str
    first: int
    last: int
    time: int


@dataclass(frozen=True, slots=True)
class Feedback:
    """What a member reports on an object; one of a kind and member, the later replaces the earlier.

    ``kind`` is ``sighting``, ``confirmation``, ``false_positive`` or ``corroboration`` (it submitted an equal object).
    ``count`` is how often it was seen. ``evidence`` are the categories of counter-evidence, of a fixed list.
    """

    id: str
    collection: int
    object: str
    member: str
    kind: str
    count: int
    evidence: tuple[str, ...]
    time: int


@dataclass(frozen=True, slots=True)
class Recall:
    """Every member that fetched the object has to hear of it. ``kind``: withdrawn, erased, suspended, reinstated."""

    id: str
    collection: int
    object: str
    kind: str
    member: str
    time: int
    reason: str


@dataclass(frozen=True, slots=True)
class Receipt:
    """A member that must hear of a recall; ``envelope`` is its signed acknowledgment, the proof."""

    id: str
    recall: str
    member: str
    acknowledged: int | None = None
    envelope: str | None = None


@dataclass(frozen=True, slots=True)
class Appeal:
    """An affected party's objection. ``state``: open, upheld, rejected, expired."""

    id: str
    collection: int
    object: str
    member: str
    lodged_by: str
    statement: str
    time: int
    deadline: int
    state: str
    answer: str | None = None
    answered_by: str | None = None
    answered: int | None = None


@dataclass(frozen=True, slots=True)
class Signed:
    """A checkpoint as signed: the size of the log it speaks of, and the note, which witnesses may have added to."""

    size: int
    note: str


@dataclass(frozen=True, slots=True)
class Filter:
    """What a reader asks for (TAXII 2.1 §3.4); an empty tuple asks for any. ``moments`` are versions (microseconds)."""

    ids: tuple[str, ...] = ()
    types: tuple[str, ...] = ()
    specs: tuple[str, ...] = ()
    all_versions: bool = False
    last: bool = True
    first: bool = False
    moments: tuple[int, ...] = ()
    added_after: int | None = None
