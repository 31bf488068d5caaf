"""All parties in one process: the protocols end to end, for tests, drills and measurements.

Every message is packed and unpacked on its way, and its bytes are counted.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from stillwatch.forum.matching import comparison, messages, pseudonyms
from stillwatch.forum.matching.comparison import Comparison
from stillwatch.forum.matching.curve import batch
from stillwatch.forum.matching.curve.batch import Bytes
from stillwatch.forum.matching.errors import MessageError
from stillwatch.forum.matching.keys import Share, announced
from stillwatch.forum.matching.messages import Message, Scope, Terms
from stillwatch.forum.matching.pseudonyms import Pending

_Message = TypeVar("_Message", bound=Message)


@dataclass
class Forum:
    """Keyholders, members and the wire between them.

    Attributes:
        shares: by holder, all of one scope.
        keys: members' and keyholders' signing keys by name.
        threads: that evaluations may use.
        sent: bytes on the wire by kind of message.
    """

    shares: dict[str, Share]
    keys: dict[str, Ed25519PrivateKey]
    threads: int = 1
    sent: Counter[str] = field(default_factory=Counter)

    def carry(self, message: _Message) -> _Message:
        """The message as it arrives."""
        packed = messages.pack(message)
        self.sent[type(message).__name__] += len(packed)
        arrived = messages.unpack(packed)
        if not isinstance(arrived, type(message)):
            raise MessageError(f"a {type(arrived).__name__} where a {type(message).__name__} was sent")
        return arrived

    @property
    def scope(self) -> Scope:
        """The scope of the shares."""
        return next(iter(self.shares.values())).scope

    def pseudonyms(self, member: str, kind: str, values: Sequence[bytes]) -> Bytes:
        """One member's pseudonyms, shape (n, 64)."""
        key = self.keys[member]
        told = [self.carry(share.announce(self.keys[name])) for name, share in self.shares.items()]
        publics = announced(told, self.scope, {name: self.keys[name].public_key() for name in self.shares})

        def through(pending: Pending) -> Bytes:
            question = self.carry(pending.question(key))
            answers = [
                self.carry(pseudonyms.answer(share, question, key.public_key())) for share in self.shares.values()
            ]
            return pseudonyms.read(pending, publics, answers)

        parts = [values[start:end] for start, end in batch.pieces(len(values), messages.MAX_ELEMENTS)]

        def one(numbered: tuple[int, Sequence[bytes]]) -> Bytes:
            number, part = numbered
            return np.vstack([through(pending) for pending in pseudonyms.ask(self.scope, member, kind, part, number)])

        return np.vstack(batch.spread(one, list(enumerate(parts)), self.threads))

    def compare(self, terms: Terms, sides: dict[str, Bytes], agree: bool = True) -> tuple[str, dict[str, list[int]]]:
        """Two members' comparison: the band that both were told, and each one's shared rows (none without consent)."""
        first, second = terms.first, terms.second
        public = {name: key.public_key() for name, key in self.keys.items()}
        mine, made = comparison.offer(terms, self.keys[first])
        theirs, answer = comparison.accept(self.carry(made), self.keys[second], public[first])
        comparison.accepted(mine, self.carry(answer), public[second])
        both: dict[str, Comparison] = {first: mine, second: theirs}
        lists = [self.carry(comparison.tags(side, sides[name])) for name, side in both.items()]
        outcome = comparison.intersect(terms, *lists)
        band = {comparison.counted(side, self.carry(outcome.count)) for side in both.values()}.pop()
        if outcome.count.at_least == 0 or not agree:
            return band, {}
        consents = {name: comparison.decide(side, True, self.keys[name]) for name, side in both.items()}
        for name, other in ((first, second), (second, first)):
            comparison.peer_decided(both[name], self.carry(consents[other]), public[other])
        told = comparison.disclose(outcome, (consents[first], consents[second]), public)
        return band, {name: comparison.disclosed(side, self.carry(told[name])).tolist() for name, side in both.items()}
