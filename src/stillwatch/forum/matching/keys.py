"""Shares of the PRF's key: one keyholder, one scope, one secret that is destroyed when its epoch ends.

A keyholder's secret for the next epoch is a one-way function of the seed of this one, and the old seed is overwritten:
who takes a seed can evaluate from its epoch on, and nothing of before.
"""

import hashlib
import hmac
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from msgspec import Struct

from stillwatch.forum.matching import group, messages, oprf
from stillwatch.forum.matching.errors import ElementError, MessageError, ProofError
from stillwatch.forum.matching.messages import Announcement, Scope
from stillwatch.forum.matching.oprf import KeyPair, Mode

DAYS: Final = 7  # an epoch, unless a forum agrees otherwise
_START: Final = datetime(2026, 1, 5, tzinfo=UTC)  # a Monday
_RATCHET: Final = b"stillwatch matching: next epoch"


def epoch_at(moment: datetime, days: int = DAYS) -> int:
    """The number of the epoch that a moment is in; 0 begins on Monday 5 January 2026, UTC.

    Raises:
        MessageError: before that, or without a time zone.
    """
    if moment.tzinfo is None or moment < _START:
        raise MessageError(f"no epoch at {moment}", do="Give a time with its zone, from 2026-01-05 on.")
    return (moment - _START) // timedelta(days=days)


def start_of(epoch: int, days: int = DAYS) -> datetime:
    """The moment at which an epoch begins."""
    return _START + timedelta(days=days * epoch)


class Share(Struct, frozen=True):
    """A keyholder's secret for one scope. It has to be stored encrypted, or where its holder alone can read it.

    Attributes:
        holder: name of the keyholder.
        scope: epoch and purpose.
        seed: 32 secret bytes.
    """

    holder: str
    scope: Scope
    seed: bytes

    def __repr__(self) -> str:
        return f"Share(holder={self.holder!r}, scope={self.scope!r})"

    def pair(self) -> KeyPair:
        """The key pair, derived as RFC 9497 (section 3.2.1) says, with the holder and the scope as its public info."""
        return oprf.derive_key_pair(self.seed, _info(self.scope, self.holder), Mode.VOPRF)

    def advanced(self, epoch: int) -> "Share":
        """The share of a later epoch; the caller overwrites this one with it.

        Raises:
            MessageError: the epoch is not later, or a thousand later or more.
        """
        steps = epoch - self.scope.epoch
        if not 0 < steps < 1_000:
            raise MessageError(f"a share of epoch {self.scope.epoch} gives none of epoch {epoch}")
        seed = self.seed
        for _ in range(steps):
            seed = hmac.digest(seed, _RATCHET, hashlib.sha256)
        return Share(self.holder, Scope(epoch, self.scope.purpose), seed)

    def announce(self, key: Ed25519PrivateKey) -> Announcement:
        """The public share, signed by its holder, lest the hub announce one of its own in the holder's name.

        With it goes a proof of possession, without which a keyholder could cancel the others' shares.
        """
        pair, point = self.pair(), _point(self.scope, self.holder)
        image = oprf.blind_evaluate(pair.secret, point)
        proof = oprf.prove_composite(pair, point, Mode.VOPRF)
        return messages.sign(Announcement(self.scope, self.holder, pair.public, image, proof), key)


def announced(
    announcements: Iterable[Announcement], scope: Scope, holders: Mapping[str, Ed25519PublicKey]
) -> dict[str, bytes]:
    """The public shares of a scope by holder, for members to keep and to finish evaluations with.

    Args:
        announcements: one of every holder.
        scope: epoch and purpose.
        holders: who has to hold a share by the forum's rules, at least two who would not collude, and their signing
            keys, known from elsewhere than the hub.

    Raises:
        MessageError: of another scope, of an unknown holder, not signed by it, missing, or twice.
        ProofError: a holder did not show that it holds its share.
    """
    found: dict[str, bytes] = {}
    for told in announcements:
        if told.scope != scope or told.holder in found or told.holder not in holders:
            raise MessageError(f"an announcement of {told.holder} that is not the one of this scope")
        messages.check_signature(told, holders[told.holder])
        try:
            point = group.check_element(_point(scope, told.holder))
            group.check_element(told.image)
            oprf.verify_composite(group.check_element(told.public), point, told.image, told.possession, Mode.VOPRF)
        except (ElementError, ProofError) as error:
            raise ProofError("the announced share is not shown to be held", where=told.holder) from error
        found[told.holder] = told.public
    if found.keys() != holders.keys():
        raise MessageError(f"announcements of {sorted(found)} where those of {sorted(holders)} are needed")
    return found


def _info(scope: Scope, holder: str) -> bytes:
    parts = (b"stillwatch-matching-v1", scope.purpose.encode(), scope.epoch.to_bytes(4, "big"), holder.encode())
    return b"".join(map(oprf.sized, parts))


def _point(scope: Scope, holder: str) -> bytes:
    """What a holder evaluates to show its key; no identifier hashes to it, as theirs begin otherwise."""
    return oprf.hash_to_group(oprf.sized(b"possession") + _info(scope, holder), Mode.VOPRF)
