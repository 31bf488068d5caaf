"""What the hub needs from outside: a store of records and objects, a judge, a verifier of signatures, a log, a clock.

``storage`` fulfils the store without knowing of this file; a test may fulfil any of them with a dictionary.
"""

from collections.abc import Callable, Mapping, Sequence
from collections.abc import Collection as Some
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from stillwatch.forum.ledger.store import LedgerStore
from stillwatch.schema.forum import Feedback, Filter, Known, NewObject, Row, State

R = TypeVar("R")
Object = dict[str, Any]


class Records(Protocol):
    """Records by equality of their fields; see ``storage.records``."""

    def add(self, *records: object) -> None:
        """Store new records of one kind."""

    def find(
        self, kind: type[R], /, *, order: str = "", after: Any = None, limit: int | None = None, **equal: Any
    ) -> list[R]:
        """The records whose fields equal what is given."""

    def one(self, kind: type[R], /, **equal: Any) -> R | None:
        """The first such record, or None."""

    def change(self, kind: type, where: dict[str, Any], /, **values: Any) -> int:
        """Set fields of the records that ``where`` finds; returns how many there were."""

    def remove(self, kind: type, /, **equal: Any) -> int:
        """Delete the records whose fields equal what is given; returns how many there were."""


class Objects(Protocol):
    """Object versions in order; see ``storage.objects``."""

    def start(self, collection: int) -> None:
        """Make the order of a new collection."""

    def lock(self, collection: int) -> None:
        """Keep other writers out of the collection until this transaction ends."""

    def share(self, collection: int) -> None:
        """Keep writers out of the collection, not other readers, until this transaction ends."""

    def known(self, collection: int, ids: Some[str]) -> list[Known]:
        """Every version that is stored under one of ``ids``, whatever its state."""

    def equals(self, collection: int, contents: Some[bytes]) -> list[Known]:
        """Every version that says one of ``contents``, the earliest first."""

    def insert(
        self, collection: int, rows: Sequence[tuple[NewObject, str, State]], now: int, submission: str
    ) -> list[int]:
        """Store object versions of a submission at the next positions, and return those."""

    def reports(self, collection: int, member: str) -> list[Feedback]:
        """What was said of a member's objects, the latest first, as much of it as is looked at."""

    def rank(self, collection: int, ids: Some[str]) -> None:
        """Mark the newest and oldest readable version of each id anew."""

    def page(self, collection: int, after: int, limit: int, wanted: Filter, bodies: bool = True) -> list[Row]:
        """At most ``limit`` readable versions beyond position ``after``, in order."""

    def holders(self, collection: int, positions: Some[int]) -> set[str]:
        """The members that fetched a page on which one of ``positions`` was."""

    def bodies(self, collection: int, positions: Some[int]) -> dict[int, bytes]:
        """What is stored at each position, whatever its state."""

    def set_state(self, collection: int, positions: Some[int], state: State) -> None:
        """Change what readers see."""

    def move(self, collection: int, positions: Some[int], now: int) -> list[int]:
        """Give versions new positions at the end, and return those."""


class Log(LedgerStore, Protocol):
    """The log; see ``storage.log``."""

    def origin(self) -> str | None:
        """The name under which the log was begun; None where it was not."""

    def start(self, origin: str) -> None:
        """Begin the log under its name, which is for ever."""

    def rule(self, policy: str) -> bool:
        """Put a policy in force by its digest; whether another one was."""

    def lock(self, now: int) -> tuple[str, int]:
        """Keep other writers out until the transaction ends; the log's name, and the time of what is appended."""


class Transaction(Protocol):
    """What one transaction sees; all of it is stored, or nothing."""

    @property
    def records(self) -> Records:
        """Its records."""

    @property
    def objects(self) -> Objects:
        """Its objects."""

    @property
    def log(self) -> Log:
        """Its log."""


class Store(Protocol):
    """Where the hub's state is."""

    def writing(self) -> AbstractContextManager[Transaction]:
        """A transaction that commits at the end of the block, or leaves nothing if the block raises."""

    def reading(self) -> AbstractContextManager[Transaction]:
        """A transaction that sees one state and changes nothing."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """What the guard says of an object: ``outcome`` is release, quarantine or withhold.

    ``category`` is empty for what is released; ``message`` is for the submitter, ``verdict`` the whole as JSON of
    what is not released. ``policy`` is the SHA-256 of the policy.
    """

    outcome: str
    category: str
    message: str
    verdict: str
    policy: str


@dataclass(frozen=True, slots=True)
class Setting:
    """Where an object is to go: what the guard has to know besides the object.

    ``purpose`` and ``tlp`` are the collection's, ``submitter`` is the pseudonym of who submits it.
    """

    purpose: str
    tlp: str
    submitter: str


Judge = Callable[[Object, Setting], Judgement]
#: The id of the key that signed the object well, or None: of the object, and of public keys by id.
Verify = Callable[[Object, Mapping[str, bytes]], str | None]


@dataclass(frozen=True, slots=True)
class Limits:
    """What the hub takes and gives at most.

    Args:
        envelope_bytes: of a request's body.
        objects: in an envelope.
        object_bytes: of one object.
        depth: of nesting in an object.
        values: strings, numbers and the like in an object.
        page: objects on a page.
        page_bytes: of a page, unless one object alone is more.
    """

    envelope_bytes: int = 32 << 20
    objects: int = 10_000
    object_bytes: int = 64 << 10
    depth: int = 16
    values: int = 5_000
    page: int = 1_000
    page_bytes: int = 16 << 20
