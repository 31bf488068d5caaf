"""The nouns of private matching that survive a request: what a keyholder and the hub remember of an epoch.

Every record names its epoch and goes when that ends. What is a tag, or says which tags are shared, is ``Kept``: sealed
under a key that is destroyed with the epoch's share. Messages are packed (``forum.matching.messages``).
"""

from dataclasses import dataclass
from typing import Final

#: What pseudonyms are for; the keys of two purposes have nothing in common.
PURPOSE: Final = "campaigns"

#: Kinds of artifact that members may compare -> the family of evidence that they are of. Each is spelled alike at every
#: provider; a template or a time is not among them, as it is counted otherwise everywhere.
KINDS: Final[dict[str, str]] = {
    "client_ip": "network",
    "client_prefix": "network",
    "signup_ip": "network",
    "signup_prefix": "network",
    "payment_fingerprint": "payment",
    "card_bin": "payment",
    "email_domain": "registration",
    "phone_prefix": "registration",
    "tls_fingerprint": "software",
    "header_order": "software",
    "user_agent": "software",
}


@dataclass(frozen=True, slots=True)
class Announced:
    """A keyholder's public share of an epoch, signed by it; ``entry`` is the position of the log's entry on it."""

    epoch: int
    holder: str
    message: bytes
    entry: int


@dataclass(frozen=True, slots=True)
class Charged:
    """What a member has used of its quota at this keyholder (``forum.matching.quotas.Usage``)."""

    member: str
    epoch: int
    spent: int
    recent: float
    at: float


@dataclass(frozen=True, slots=True)
class Asked:
    """A question that was charged: SHA-256 of its bytes. Asked again, it is answered and not charged."""

    digest: str
    epoch: int
    member: str
    count: int


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two members' comparison as the hub sees it. ``first`` and ``second`` are pseudonyms.

    ``state``: offered, declined, accepted, counted, disclosed, refused. ``offer`` to ``second_consent`` are messages.
    """

    session: str
    epoch: int
    first: str
    second: str
    kinds: tuple[str, ...]
    state: str
    time: int
    offer: bytes
    acceptance: bytes | None = None
    count: bytes | None = None
    first_consent: bytes | None = None
    second_consent: bytes | None = None


@dataclass(frozen=True, slots=True)
class Paired:
    """That a pair of members compares a kind in an epoch: there is one such record, whoever offers."""

    epoch: int
    low: str
    high: str
    kind: str
    session: str


@dataclass(frozen=True, slots=True)
class Kept:
    """A tag list, an outcome or a submission, sealed; ``name`` says of what."""

    name: str
    epoch: int
    body: bytes


@dataclass(frozen=True, slots=True)
class Exchange:
    """A member's key to which the group's key is sealed in an epoch, signed by it."""

    epoch: int
    member: str
    group: str
    message: bytes


@dataclass(frozen=True, slots=True)
class GroupKey:
    """The group's key of an epoch for one member, sealed to it by the maker."""

    epoch: int
    member: str
    group: str
    maker: str
    message: bytes


@dataclass(frozen=True, slots=True)
class Pooled:
    """That a member has put up its clusters for joining in an epoch: SHA-256 of what is ``Kept`` until it is joined."""

    epoch: int
    member: str
    group: str
    digest: str
    clusters: int
    time: int


@dataclass(frozen=True, slots=True)
class Joined:
    """That a group's clusters of an epoch are joined; what each member is told of it is ``Kept``."""

    epoch: int
    group: str
    members: int
    campaigns: int
    time: int
