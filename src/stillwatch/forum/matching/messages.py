"""What the parties of private matching send each other: frozen structures, packed with MessagePack, sizes bounded.

A message says nothing about who sent it beyond its signature; who may send what is for the hub that carries it.
"""

from collections.abc import Iterable
from typing import Annotated, Final, Literal, TypeVar, cast

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from msgspec import Meta, Struct

from stillwatch.forum.matching.errors import MessageError

MAX_ELEMENTS: Final = 16_384
MAX_TAGS: Final = 1 << 24
TAG: Final = 16  # bytes: two sets of 2^24 hold a false match once in 2^80
MAX_BYTES: Final = MAX_TAGS * TAG + 4096

Name = Annotated[str, Meta(min_length=1, max_length=64, pattern=r"^[a-z0-9][a-z0-9._-]*$")]
Number = Annotated[int, Meta(ge=0, le=2**32 - 1)]
Session = Annotated[bytes, Meta(min_length=16, max_length=16)]
Key = Annotated[bytes, Meta(min_length=32, max_length=32)]
Digest = Annotated[bytes, Meta(min_length=32, max_length=32)]
Signature = Annotated[bytes, Meta(min_length=64, max_length=64)]
Elements = Annotated[bytes, Meta(min_length=32, max_length=32 * MAX_ELEMENTS)]
Tag = Annotated[bytes, Meta(min_length=TAG, max_length=TAG)]
NO_SIGNATURE: Final = bytes(64)
SEALED: Final = 32 + 32 + 16  # bytes: an ephemeral key, the group's key, an authentication tag


_Message = TypeVar("_Message", bound="Message")


class Message(Struct, frozen=True, forbid_unknown_fields=True, tag=True):
    """Any of the messages."""


class Scope(Message, frozen=True):
    """What pseudonyms are valid for: those of two scopes cannot be compared.

    Attributes:
        epoch: number of the epoch.
        purpose: what members may use them for.
    """

    epoch: Number
    purpose: Name


class Announcement(Message, frozen=True):
    """A keyholder's public share for a scope; the image of a known point, proven, shows that it holds the secret."""

    scope: Scope
    holder: Name
    public: Key
    image: Key
    possession: Signature
    signature: Signature = NO_SIGNATURE


class Question(Message, frozen=True):
    """Blinded elements, 32 bytes each, to be evaluated by every keyholder.

    It is signed, so that a hub that carries it to the other keyholder cannot ask in a member's name.
    """

    scope: Scope
    batch: Number
    member: Name
    elements: Elements
    signature: Signature = NO_SIGNATURE


class Answer(Message, frozen=True):
    """One keyholder's evaluation of a question, and its proof."""

    scope: Scope
    batch: Number
    holder: Name
    elements: Elements
    proof: Signature


class Terms(Message, frozen=True):
    """What two members agree to compare.

    Attributes:
        session: 16 random bytes.
        scope: of the pseudonyms on both sides.
        kinds: the kinds of artifact that are compared, sorted.
        first: the member that offers.
        second: the member that accepts.
    """

    session: Session
    scope: Scope
    kinds: Annotated[tuple[Name, ...], Meta(min_length=1, max_length=64)]
    first: Name
    second: Name


class Offer(Message, frozen=True):
    """The first member's offer, with its part of the key agreement (X25519)."""

    terms: Terms
    exchange: Key
    signature: Signature = NO_SIGNATURE


class Acceptance(Message, frozen=True):
    """The second member's answer to the very offer that this digest is of."""

    offer: Digest
    exchange: Key
    signature: Signature = NO_SIGNATURE


class Tags(Message, frozen=True):
    """One member's side, for the hub: sorted tags of 16 bytes, among them padding that matches nothing."""

    session: Session
    member: Name
    tags: Annotated[bytes, Meta(min_length=TAG, max_length=MAX_TAGS * TAG)]


class Count(Message, frozen=True):
    """The hub's answer to both: a band of how many they share, and a commitment to which."""

    session: Session
    at_least: Number
    commitment: Digest


class Consent(Message, frozen=True):
    """One member's decision, after the count, on whether each may learn which of its own are shared."""

    session: Session
    member: Name
    at_least: Number
    commitment: Digest
    agree: bool
    signature: Signature = NO_SIGNATURE


class Disclosure(Message, frozen=True):
    """Which of a member's own tags are shared: their places, 4 bytes each, and what opens the commitment."""

    session: Session
    member: Name
    places: Annotated[bytes, Meta(max_length=4 * MAX_TAGS)]
    salt: Digest


class Exchange(Message, frozen=True):
    """A member's X25519 key of an epoch, to which a sharing group's key is sealed; peers know who signed it."""

    scope: Scope
    member: Name
    exchange: Key
    signature: Signature = NO_SIGNATURE


class SealedKey(Message, frozen=True):
    """A sharing group's key for one member, sealed to it and signed by the member that made it."""

    scope: Scope
    maker: Name
    member: Name
    sealed: Annotated[bytes, Meta(min_length=SEALED, max_length=SEALED)]
    signature: Signature = NO_SIGNATURE


class Artifact(Message, frozen=True):
    """One artifact of a cluster under its tag.

    Attributes:
        family: family of evidence that its kind belongs to.
        tag: 16 bytes.
        rarity: bits; of innocent clusters of this size at this member, one in 2^rarity or fewer hold it, or any other
            of its family that is as rare.
    """

    family: Name
    tag: Tag
    rarity: Annotated[int, Meta(ge=0, le=63)]


class Cluster(Message, frozen=True):
    """A member's cluster as the hub may see it: a random id, the band of its accounts, its artifacts."""

    id: Session
    at_least: Number
    artifacts: Annotated[tuple[Artifact, ...], Meta(max_length=100_000)]


class Submission(Message, frozen=True):
    """All clusters that one member puts up for joining in a scope."""

    scope: Scope
    member: Name
    clusters: Annotated[tuple[Cluster, ...], Meta(max_length=10_000)]


class View(Message, frozen=True):
    """What one member learns of one joined campaign.

    Attributes:
        campaign: 16 random bytes, others in every member's view.
        own: ids of its own clusters that are part of it.
        members: how many members see a part of it, at least.
        accounts: how many accounts it has over all members, at least.
    """

    campaign: Session
    own: tuple[Session, ...]
    members: Literal[2, 3, 5]
    accounts: Number


AnyMessage = (
    Announcement
    | Question
    | Answer
    | Offer
    | Acceptance
    | Tags
    | Count
    | Consent
    | Disclosure
    | Exchange
    | SealedKey
    | Submission
    | View
)
_DECODER: Final = msgspec.msgpack.Decoder(AnyMessage)
_ENCODER: Final = msgspec.msgpack.Encoder()


def pack(message: Message) -> bytes:
    """The bytes of a message; the same message has the same bytes."""
    return _ENCODER.encode(message)


def unpack(data: bytes) -> Message:
    """A message from its bytes.

    Raises:
        MessageError: too large, of no known type, against its type, or not as ``pack`` writes it: a field that is there
            twice, or a longer spelling, would carry to a peer what no field is for.
    """
    if len(data) > MAX_BYTES:
        raise MessageError(f"a message of {len(data)} bytes; {MAX_BYTES} are allowed")
    try:
        found = cast(Message, _DECODER.decode(data))
    except (msgspec.DecodeError, RecursionError) as error:
        raise MessageError(f"a message that cannot be read: {error}") from error
    if pack(found) != data:
        raise MessageError("a message that is not written in the one way there is")
    return found


Signed = Announcement | Question | Offer | Acceptance | Consent | Exchange | SealedKey
_Signed = TypeVar("_Signed", Announcement, Question, Offer, Acceptance, Consent, Exchange, SealedKey)


def _signed_bytes(message: Signed) -> bytes:
    return b"stillwatch-matching-v1\x00" + pack(msgspec.structs.replace(message, signature=NO_SIGNATURE))


def sign(message: _Signed, key: Ed25519PrivateKey) -> _Signed:
    """The message with a member's signature."""
    return msgspec.structs.replace(message, signature=key.sign(_signed_bytes(message)))


def check_signature(message: Signed, key: Ed25519PublicKey) -> None:
    """Check a message's signature.

    Raises:
        MessageError: it does not verify under the key.
    """
    try:
        key.verify(message.signature, _signed_bytes(message))
    except InvalidSignature:
        raise MessageError(f"a {type(message).__name__.lower()} whose signature does not verify") from None


def signer(message: Signed, keys: Iterable[bytes]) -> Ed25519PublicKey:
    """The one of a member's public keys, 32 bytes each, that signed a message.

    Raises:
        MessageError: none did, or there are none.
    """
    for raw in keys:
        key = Ed25519PublicKey.from_public_bytes(raw)
        try:
            check_signature(message, key)
        except MessageError:
            continue
        return key
    raise MessageError(f"a {type(message).__name__.lower()} that no known key of its member signed")


def read(data: bytes, kind: type[_Message]) -> _Message:
    """A message of one kind from its bytes.

    Raises:
        MessageError: as for ``unpack``, or it is of another kind.
    """
    found = unpack(data)
    if not isinstance(found, kind):
        raise MessageError(f"a {type(found).__name__.lower()} where a {kind.__name__.lower()} belongs")
    return found
