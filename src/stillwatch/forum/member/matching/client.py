"""A member's words with the two keyholders: the epoch, its public shares, evaluation, and messages through the hub."""

import base64
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from hashlib import sha256
from itertools import islice
from pathlib import Path
from typing import Any, Final, TypeVar

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from stillwatch.errors import UsageError
from stillwatch.forum.ledger import load_key
from stillwatch.forum.ledger.entries import Announced
from stillwatch.forum.matching import keys, messages, pseudonyms
from stillwatch.forum.matching.curve import batch
from stillwatch.forum.matching.errors import MatchingError
from stillwatch.forum.matching.messages import Announcement, Answer, Scope
from stillwatch.forum.matching.pseudonyms import Pending
from stillwatch.forum.member.errors import MemberError, RefusedError, SenselessError
from stillwatch.forum.member.join import connect
from stillwatch.forum.member.keys import Entry, proven
from stillwatch.forum.member.matching.store import Holders, MatchingStore
from stillwatch.forum.member.shelf import peers
from stillwatch.forum.member.state import State
from stillwatch.forum.member.taxii import Taxii
from stillwatch.forum.member.transport import WAITS, Access, Transport

PACKED: Final = "application/msgpack"
JSON: Final = "application/json"
#: Questions at once: members verify and unblind on as many threads, and keyholders have no more to hold in memory.
_AT_ONCE: Final = min(4, batch.default_threads())
_ROOT: Final = "/forum/v1/matching/"
_Message = TypeVar("_Message", bound=messages.Message)
T = TypeVar("T")


class About(msgspec.Struct, frozen=True):
    """What the hub says of the epoch that runs."""

    epoch: int
    purpose: str
    ends: str
    quota: int
    evaluated: int


class _Announcement(Entry):
    message: str = ""


class _Announcements(msgspec.Struct):
    checkpoint: str
    announcements: list[_Announcement]


class Client:
    """A member in private matching.

    Args:
        state: of the member.
        store: its private matching.
        hub: the hub's operations.
        trustee: to the trustee's server.
    """

    def __init__(self, state: State, store: MatchingStore, hub: Taxii, trustee: Transport) -> None:
        self.state, self.store = state, store
        self._taxii, self._hub, self._trustee = hub, hub.transport, trustee
        self.me = state.membership.identity
        if not self.me:
            do = "Run `stillwatch forum join` again with --identity, as the operator told it"
            raise UsageError("your pseudonym is not known", where=str(state.folder), do=do)
        self.key: Ed25519PrivateKey = load_key(Path(state.membership.key)).private
        self.about = self.get("", About)
        self.scope = Scope(self.about.epoch, self.about.purpose)
        self._publics: dict[str, bytes] = {}
        self._begin()

    def _begin(self) -> None:
        """Forget what is of epochs before this one, once the trustee bears out that it runs.

        Raises:
            MatchingError: it does not, or the hub tells of one that is over.
        """
        known = self.store.epoch
        if self.scope.epoch < known:
            what = f"the hub tells of epoch {self.scope.epoch}, and {known} has begun"
            raise MatchingError(what, do="Report the hub to the forum.")
        if self.scope.epoch > known:
            self.publics()
            self.store.begin(self.scope.epoch)

    def get(self, path: str, kind: type[T], **query: str) -> T:
        """An answer of the hub in JSON."""
        answer = self._hub.request("GET", _ROOT + path, JSON, query)
        try:
            return msgspec.json.decode(answer.body, type=kind)
        except msgspec.MsgspecError as error:
            raise SenselessError(f"not what the interface gives: {error}", where=_ROOT + path) from None

    def fetch(self, path: str, kind: type[_Message], **query: str) -> _Message:
        """A message from the hub."""
        return messages.read(self._hub.request("GET", _ROOT + path, PACKED, query).body, kind)

    def put(self, path: str, body: bytes) -> bytes:
        """Send a message, which may be sent again; gives the answer's bytes."""
        return self._hub.request("PUT", _ROOT + path, PACKED, body=body).body

    def delete(self, path: str) -> None:
        """Take something back."""
        self._hub.request("DELETE", _ROOT + path, JSON)

    def peer_keys(self, peer: str) -> list[bytes]:
        """Another member's public keys.

        Raises:
            UsageError: none is known.
        """
        found = list(peers(self.state).get(peer, {}).values())
        if not found:
            do = (
                "Take them from the hub's log: stillwatch forum sync. If it has none, the member has not joined yet; "
                "keys from who vouches for them: stillwatch forum join --peers FILE"
            )
            raise UsageError("no key of this member is known", where=peer[:80], do=do)
        return found

    def signer(self, message: messages.Signed, member: str) -> Ed25519PublicKey:
        """The key of a member that signed a message.

        Raises:
            UsageError: none of it is known.
            MessageError: none of its known keys did.
        """
        own = [self.key.public_key().public_bytes_raw()]
        return messages.signer(message, own if member == self.me else self.peer_keys(member))

    def publics(self) -> dict[str, bytes]:
        """The public shares of the epoch, which the hub has in its log, and the trustee says itself.

        Raises:
            MatchingError: a keyholder's announcement is not its own, or another than the one in the hub's log.
        """
        if self._publics:
            return self._publics
        holders = self.store.holders
        told = messages.read(self._trustee.request("GET", "/v1/announcement", PACKED).body, Announcement)
        logged = self._logged()
        if holders.trustee[0] not in logged:
            self.put("announcements", messages.pack(told))
            logged = self._logged()
        known = {
            name: Ed25519PublicKey.from_public_bytes(bytes.fromhex(key)) for name, key in (holders.hub, holders.trustee)
        }
        found = keys.announced(logged.values(), self.scope, known)
        if told.public != found[holders.trustee[0]]:
            what = "the trustee tells you another share than the one in the hub's log"
            raise MatchingError(what, where=holders.trustee[0], do="Report it to the forum.")
        self._publics = found
        return found

    def _logged(self) -> dict[str, Announcement]:
        """What the hub says was announced, proven to be in the log that every member sees."""
        told = self.get("announcements", _Announcements)
        entries = proven(self.state, self._taxii, told.checkpoint, told.announcements)
        found = {}
        for shown, entry in zip(told.announcements, entries, strict=True):
            message = messages.read(base64.b64decode(shown.message), Announcement)
            public = base64.b64encode(message.public).decode()
            logged = Announced(time=entry.time, holder=message.holder, epoch=str(message.scope.epoch), public=public)
            if entry != logged:
                what = "the hub tells another share than the one in its log"
                raise MatchingError(what, where=message.holder, do="Report the hub to the forum.")
            found[message.holder] = message
        return found

    def evaluate(self, identifiers: Sequence[tuple[str, str]]) -> int:
        """Have identifiers (kind, value) evaluated that were not yet in this epoch; gives how many were.

        What was asked and not answered before an interruption is asked again first, the same bytes.
        """
        self.publics()
        epoch = self.scope.epoch
        count = self._ask(self.store.pendings(epoch))
        by_kind: dict[str, list[str]] = {}
        for kind, value in identifiers:
            by_kind.setdefault(kind, []).append(value)
        for kind, values in sorted(by_kind.items()):
            known = self.store.known(epoch, kind, values)
            missing = [value.encode() for value in dict.fromkeys(values) if value not in known]
            first = self.store.next_batch(epoch)
            count += self._ask(map(self.store.ask, pseudonyms.ask(self.scope, self.me, kind, missing, first)))
        return count

    def _ask(self, pendings: Iterator[Pending]) -> int:
        """Ask some questions at a time; gives how many identifiers were evaluated."""
        count = 0
        while some := list(islice(pendings, _AT_ONCE)):
            count += sum(batch.spread(self._through, some, len(some)))
        return count

    def _through(self, pending: Pending) -> int:
        """Ask both keyholders and keep what comes of it."""
        publics = self.publics()
        raw = messages.pack(pending.question(self.key))
        path = f"questions/{sha256(raw).hexdigest()}"
        with ThreadPoolExecutor(2) as pool:  # each takes its time, and none waits for the other
            asked = [pool.submit(self.put, path, raw), pool.submit(self._ask_trustee, path, raw)]
            answers = [messages.read(each.result(), Answer) for each in asked]
        self.store.answered(pending, pseudonyms.read(pending, publics, answers))
        return len(pending.values)

    def _ask_trustee(self, path: str, raw: bytes) -> bytes:
        return self._trustee.request("PUT", f"/v1/{path}", PACKED, body=raw).body


@contextmanager
def opened(folder: Path, token: Path | None = None, waits: tuple[float, ...] = WAITS) -> Iterator[Client]:
    """The client over a member's state; another token than the member's may act, as counsel's.

    Raises:
        UsageError: not joined, or the keyholders are not known.
        MemberError: the server cannot be reached, or offers no private matching.
    """
    closing: list[Any] = []
    try:
        state = State(folder)
        closing.append(state)
        store = MatchingStore(folder)
        closing.append(store)
        membership = state.membership
        if token is not None:
            membership = msgspec.structs.replace(membership, token=str(token.resolve()))
        taxii = connect(membership, waits)
        closing.append(taxii.transport)
        trustee = to_trustee(store.holders, membership.insecure, waits)
        closing.append(trustee)
        yield _client(state, store, taxii, trustee)
    finally:
        for each in reversed(closing):
            each.close()


def to_trustee(holders: Holders, insecure: bool, waits: tuple[float, ...] = WAITS) -> Transport:
    """Requests to the trustee, who knows nobody by a token."""
    ca = Path(holders.trustee_ca) if holders.trustee_ca else None
    return Transport(holders.trustee_url, Access("", ca=ca, insecure=insecure), waits=waits)


def _client(state: State, store: MatchingStore, taxii: Taxii, trustee: Transport) -> Client:
    try:
        return Client(state, store, taxii, trustee)
    except RefusedError as error:
        if error.status != 404:
            raise
        raise MemberError("this server offers no private matching", where=state.membership.url) from None
