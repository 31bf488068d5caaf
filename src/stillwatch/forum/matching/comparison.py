"""Two members compare pseudonyms through the hub: first how many they share, then, if both consent, which.

The members agree on a key that the hub does not have (X25519, each side signed by its member). Each sends the hub its
pseudonyms under that key: HMAC tags, padded to a power of two, and among them canaries that both sides have. The hub
intersects the tags and tells both the band of the count, with a commitment to the shared tags. Only when both have
signed their consent to it does each learn the places of the shared tags in its own list. (Server-aided intersection:
Kamara, Mohassel, Raykova, Sadeghian, "Scaling Private Set Intersection to Billion-Element Sets", FC 2014.)

A hub that lies is found out at the disclosure: it cannot show a member a tag that the other did not send, as both open
the same commitment; and one that leaves out shared tags leaves out canaries too, which it cannot tell from them.
"""

import hashlib
import hmac
import os
from enum import StrEnum
from typing import Final

import numpy as np
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from msgspec import Struct
from numpy.typing import NDArray

from stillwatch.forum.matching import bands, messages
from stillwatch.forum.matching.curve import batch
from stillwatch.forum.matching.curve.batch import Bytes
from stillwatch.forum.matching.errors import ComparisonError, MessageError
from stillwatch.forum.matching.messages import TAG, Acceptance, Consent, Count, Disclosure, Offer, Tags, Terms
from stillwatch.forum.matching.pseudonyms import rows

CANARIES: Final = 128  # a hub that leaves out one shared tag in twenty is found out with probability 0.998
_SMALLEST: Final = 1 << 10


class Stage(StrEnum):
    """How far a member's side of a comparison is."""

    OFFERED = "offered"
    AGREED = "agreed"
    SENT = "sent"
    COUNTED = "counted"
    CONSENTED = "consented"
    DISCLOSED = "disclosed"


class Comparison(Struct):
    """One member's side; it can be stored after every step, and is secret.

    Attributes:
        terms: what is compared.
        member: whose side this is.
        stage: how far it is.
        offer: digest of the offer.
        secret: the private part of the key agreement, then the agreed key.
        places: own row behind each tag sent, 4 bytes each; -1 for padding, -2 for a canary.
        tags: as sent.
        at_least: the band that the hub told.
        commitment: the hub's, to the shared tags.
        peer_agrees: the other member's decision, once it has come.
    """

    terms: Terms
    member: str
    stage: Stage
    offer: bytes
    secret: bytes
    places: bytes = b""
    tags: bytes = b""
    at_least: int = 0
    commitment: bytes = b""
    peer_agrees: bool | None = None

    def __repr__(self) -> str:
        return f"Comparison(session={self.terms.session.hex()}, member={self.member!r}, stage={self.stage.value!r})"

    def _at(self, stage: Stage) -> None:
        if self.stage is not stage:
            raise MessageError(f"a step that follows {stage.value!r} while the comparison is {self.stage.value!r}")


def offer(terms: Terms, key: Ed25519PrivateKey) -> tuple[Comparison, Offer]:
    """Begin a comparison as the first member, with its signing key."""
    secret = X25519PrivateKey.generate()
    made = messages.sign(Offer(terms, secret.public_key().public_bytes_raw()), key)
    return Comparison(terms, terms.first, Stage.OFFERED, _digest(made), secret.private_bytes_raw()), made


def accept(made: Offer, key: Ed25519PrivateKey, peer: Ed25519PublicKey) -> tuple[Comparison, Acceptance]:
    """Take up an offer as the second member. Check first that the terms are wanted, and that the pair had no other.

    Args:
        made: the offer.
        key: own signing key.
        peer: the first member's key, known from elsewhere than the hub.

    Raises:
        MessageError: the offer is not signed by the first member, or is to oneself.
    """
    messages.check_signature(made, peer)
    if made.terms.first == made.terms.second:
        raise MessageError("an offer of a member to itself")
    secret = X25519PrivateKey.generate()
    answer = messages.sign(Acceptance(_digest(made), secret.public_key().public_bytes_raw()), key)
    agreed = _agree(secret, made.exchange, _digest(made), _digest(answer))
    return Comparison(made.terms, made.terms.second, Stage.AGREED, _digest(made), agreed), answer


def accepted(mine: Comparison, answer: Acceptance, peer: Ed25519PublicKey) -> None:
    """Take the answer to one's offer.

    Raises:
        MessageError: it is not signed by the second member, or answers another offer.
    """
    mine._at(Stage.OFFERED)
    messages.check_signature(answer, peer)
    if not hmac.compare_digest(answer.offer, mine.offer):
        raise MessageError("an acceptance of another offer")
    mine.secret = _agree(X25519PrivateKey.from_private_bytes(mine.secret), answer.exchange, mine.offer, _digest(answer))
    mine.stage = Stage.AGREED


def tags(mine: Comparison, pseudonyms: Bytes) -> Tags:
    """The list for the hub, sorted by tag, so that it says nothing about the rows.

    Args:
        mine: agreed.
        pseudonyms: shape (n, 64), distinct, of the terms' scope and kinds.

    Raises:
        MessageError: there are too many, or two are equal.
    """
    mine._at(Stage.AGREED)
    count = len(pseudonyms) + CANARIES
    size = max(_SMALLEST, 1 << (count - 1).bit_length())
    if size > messages.MAX_TAGS:
        raise MessageError(f"{len(pseudonyms)} pseudonyms; {messages.MAX_TAGS - CANARIES} are allowed")
    own = batch.keyed(mine.secret, pseudonyms, TAG)
    canaries = np.frombuffer(b"".join(_canary(mine.secret, i) for i in range(CANARIES)), np.uint8).reshape(-1, TAG)
    padding = np.frombuffer(os.urandom((size - count) * TAG), np.uint8).reshape(-1, TAG)
    every = np.vstack([own, canaries, padding])
    origin = np.full(size, -1, "<i4")
    origin[: len(own)], origin[len(own) : count] = np.arange(len(own)), -2
    order = _order(every)
    _refuse_equal(every[order])
    mine.places, mine.tags, mine.stage = origin[order].tobytes(), every[order].tobytes(), Stage.SENT
    return Tags(mine.terms.session, mine.member, mine.tags)


def counted(mine: Comparison, told: Count) -> str:
    """Take the hub's count; gives the band in words for a person to decide on.

    Raises:
        MessageError: of another session, or of no band.
    """
    mine._at(Stage.SENT)
    if told.session != mine.terms.session or told.at_least not in bands.FLOORS:
        raise MessageError("a count of another session, or of no band")
    mine.at_least, mine.commitment, mine.stage = told.at_least, told.commitment, Stage.COUNTED
    return bands.words_of(told.at_least)


def decide(mine: Comparison, agree: bool, key: Ed25519PrivateKey) -> Consent:
    """The member's signed decision on the disclosure.

    Raises:
        MessageError: consent where fewer than ten are shared, which could disclose a single customer.
    """
    mine._at(Stage.COUNTED)
    if agree and mine.at_least == 0:
        raise MessageError("consent to a disclosure of fewer than 10", do="Refuse it; there is too little to share.")
    made = Consent(mine.terms.session, mine.member, mine.at_least, mine.commitment, agree)
    mine.stage = Stage.CONSENTED
    return messages.sign(made, key)


def peer_decided(mine: Comparison, told: Consent, peer: Ed25519PublicKey) -> None:
    """Take the other member's decision.

    Raises:
        MessageError: not signed by it, or of another session.
        ComparisonError: the hub told it another count or commitment.
    """
    mine._at(Stage.CONSENTED)
    messages.check_signature(told, peer)
    if told.session != mine.terms.session or told.member not in {mine.terms.first, mine.terms.second} - {mine.member}:
        raise MessageError("a consent of another session or member")
    if (told.at_least, told.commitment) != (mine.at_least, mine.commitment):
        raise ComparisonError("the hub told the members different counts", do="Report the hub to the forum.")
    mine.peer_agrees = told.agree


def disclosed(mine: Comparison, told: Disclosure) -> NDArray[np.int64]:
    """The rows of one's own pseudonyms that the other member has too.

    Raises:
        MessageError: of another session, before both agreed, or with places that are none.
        ComparisonError: the tags do not open the commitment, canaries are missing, or the count was another.
    """
    mine._at(Stage.CONSENTED)
    if told.session != mine.terms.session or told.member != mine.member or mine.peer_agrees is not True:
        raise MessageError("a disclosure of another session or member, or before the other member agreed")
    places, sent = rows(told.places, 4).view("<u4").reshape(-1), rows(mine.tags, TAG)
    if len(places) and (places[-1] >= len(sent) or (places[1:] <= places[:-1]).any()):
        raise MessageError("places that are not of the list, or not in order")
    if not hmac.compare_digest(commit(told.salt, sent[places]), mine.commitment):
        raise ComparisonError("what the hub discloses is not what it committed to", do="Report the hub to the forum.")
    origin = np.frombuffer(mine.places, "<i4")[places].astype(np.int64)
    found = np.sort(origin[origin >= 0])
    if (origin == -2).sum() != CANARIES or (origin == -1).any() or bands.floor_of(len(found)) != mine.at_least:
        raise ComparisonError("the hub left out what both members have, or told a wrong count", do="Report the hub.")
    mine.stage = Stage.DISCLOSED
    return found


def commit(salt: bytes, shared: Bytes) -> bytes:
    """The commitment to a sorted list of shared tags."""
    return hashlib.sha256(b"stillwatch-matching-v1 shared\x00" + salt + shared.tobytes()).digest()


def _digest(message: Offer | Acceptance) -> bytes:
    return hashlib.sha256(messages.pack(message)).digest()


def _agree(secret: X25519PrivateKey, exchange: bytes, *transcript: bytes) -> bytes:
    """The key that both sides have and the hub has not, bound to both signed messages."""
    try:
        shared = secret.exchange(X25519PublicKey.from_public_bytes(exchange))
    except ValueError:
        raise MessageError("a key agreement with a point of small order") from None
    return HKDF(SHA256(), 32, salt=None, info=b"stillwatch-matching-v1" + b"".join(transcript)).derive(shared)


def _canary(key: bytes, number: int) -> bytes:
    """A tag of no pseudonym: those are of 64 bytes, this message is not."""
    return hmac.digest(key, b"canary %d" % number, hashlib.sha512)[:TAG]


def _order(sent: Bytes) -> NDArray[np.int64]:
    words = np.ascontiguousarray(sent).view(">u8")
    return np.lexsort((words[:, 1], words[:, 0]))


def _refuse_equal(ordered: Bytes) -> None:
    words = np.ascontiguousarray(ordered).view(">u8")
    if (words[1:] == words[:-1]).all(axis=1).any():
        raise MessageError("two equal tags in one list")


class Outcome(Struct, frozen=True):
    """What the hub keeps between the count and the disclosure."""

    terms: Terms
    count: Count
    salt: bytes
    places: dict[str, bytes]


def intersect(terms: Terms, first: Tags, second: Tags) -> Outcome:
    """The hub's part: find the tags that both lists have.

    Raises:
        MessageError: lists of another session or of other members, not sorted, or with equal tags.
    """
    lists = []
    for sent, member in ((first, terms.first), (second, terms.second)):
        if sent.session != terms.session or sent.member != member:
            raise MessageError("tags of another session or member", where=sent.member)
        lists.append(rows(sent.tags, TAG))
        words = np.ascontiguousarray(lists[-1]).view(">u8").astype(np.uint64)
        above = (words[1:, 0] > words[:-1, 0]) | ((words[1:, 0] == words[:-1, 0]) & (words[1:, 1] > words[:-1, 1]))
        if not above.all():
            raise MessageError("tags that are not sorted, or equal", where=sent.member)
    merged = np.vstack(lists)
    order = _order(merged)
    words = np.ascontiguousarray(merged[order]).view(">u8")
    at = np.flatnonzero((words[1:] == words[:-1]).all(axis=1))
    # The sort is stable: of an equal pair the first list's comes first.
    ours, theirs = order[at], order[at + 1] - len(lists[0])
    salt = os.urandom(32)
    count = Count(terms.session, bands.floor_of(len(at) - CANARIES), commit(salt, lists[0][ours]))
    return Outcome(terms, count, salt, {terms.first: _packed(ours), terms.second: _packed(theirs)})


def disclose(
    outcome: Outcome, consents: tuple[Consent, Consent], keys: dict[str, Ed25519PublicKey]
) -> dict[str, Disclosure]:
    """The hub's last part: a disclosure for each member, if both have consented to this very count.

    Args:
        outcome: from ``intersect``.
        consents: the two members' decisions.
        keys: the members' public keys by name.

    Raises:
        MessageError: a consent is missing, refused, unsigned, or to something else.
    """
    for consent in consents:
        told = (consent.session, consent.at_least, consent.commitment)
        if told != (outcome.count.session, outcome.count.at_least, outcome.count.commitment) or not consent.agree:
            raise MessageError("no consent to this count", where=consent.member)
        if consent.member not in outcome.places:
            raise MessageError("a consent of another member", where=consent.member)
        messages.check_signature(consent, keys[consent.member])
    if {consent.member for consent in consents} != outcome.places.keys() or outcome.count.at_least == 0:
        raise MessageError("both members' consent is needed, to a count of ten or more")
    session = outcome.count.session
    return {member: Disclosure(session, member, places, outcome.salt) for member, places in outcome.places.items()}


def _packed(places: NDArray[np.int64]) -> bytes:
    return places.astype("<u4").tobytes()
