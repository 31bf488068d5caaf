"""The record of enforcement: what was done to whom and why, who approved it, who objected, and what became of it.

Entries are only ever added. Each has the SHA-256 of the line before it, so that none can be taken out or changed
without a trace; the state of every measure is what a replay of the entries gives. A single gate keeps them in a file
beside its snapshot; where there are several, they share a database (``storage.gate``). What people say is in force by
its place in the record and not by its time, which is that of some machine's clock.
"""

import fcntl
import hashlib
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, Literal, Protocol

import msgspec
from msgspec import Struct

from stillwatch.errors import InputError, UsageError

#: What happens to measures.
What = Literal["measured", "ended", "approved", "released", "confirmed", "appealed", "upheld", "rejected"]
_FIRST: Final = "0" * 64
_ENCODER: Final = msgspec.json.Encoder()


class Entry(Struct, frozen=True, omit_defaults=True):
    """One thing that happened.

    Attributes:
        what: see ``What``.
        time: microseconds since the epoch.
        account: whom it is about; "" where it is about all accounts of ``campaign``.
        campaign: which campaign.
        measure: id of the measure, or of the appeal's measure.
        rung: the harshest rung that was granted; ``course`` says when the account comes to it.
        by: the person; "" for the gate itself.
        key: the person's Ed25519 key (RFC 8032), in base64; "" if nothing is signed.
        signature: of ``statement``, in base64.
        text: the evidence in words, the appeal's statement, or the reason given.
        policy: digest of the policy.
        appeal: where to object.
        previous: SHA-256 of the line before.
        course: of what is measured, each rung on the way to ``rung`` and from when on it holds, the mildest first.
    """

    what: What
    time: int
    account: str = ""
    campaign: str = ""
    measure: str = ""
    rung: str = ""
    by: str = ""
    text: str = ""
    policy: str = ""
    appeal: str = ""
    key: str = ""
    signature: str = ""
    previous: str = ""
    course: tuple[tuple[str, int], ...] = ()


def stage(entry: Entry, now: int) -> tuple[str, tuple[tuple[str, int], ...]]:
    """The rung that holds at ``now`` under a measure (``observe`` before it has begun), and what comes after it."""
    course = entry.course or ((entry.rung, entry.time),)
    begun = [rung for rung, begins in course if begins <= now]
    return (begun[-1] if begun else "observe"), course[len(begun) :]


def statement(entry: Entry) -> bytes:
    """What a person signs: all of the entry but the signature and its place in the record."""
    return b"stillwatch gate entry\n" + _ENCODER.encode(msgspec.structs.replace(entry, signature="", previous=""))


def named(entry: Entry) -> str:
    """The person behind an entry, as it says itself."""
    return entry.by


class Ledger(Protocol):
    """Keeps entries in order, and for good."""

    def entries(self) -> Sequence[Entry]:
        """All of them.

        Raises:
            InputError: the chain is broken.
        """

    def add(self, entries: Sequence[Entry]) -> None:
        """Append ``entries`` after whatever is there; they are kept when this returns."""


class FileLedger:
    """A ledger in a file of NDJSON.

    Args:
        path: of the file; made if it is not there.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def entries(self) -> list[Entry]:
        """All entries.

        Raises:
            InputError: an entry was changed, taken out or cut.
        """
        try:
            text = self._path.read_bytes()
        except FileNotFoundError:
            return []
        return chained(text.splitlines(), str(self._path))

    def add(self, entries: Sequence[Entry]) -> None:
        """Append ``entries``.

        Raises:
            OSError: they could not be written.
        """
        if not entries:
            return
        handle = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        with os.fdopen(handle, "r+b") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            text = file.read()
            whole = text[: text.rfind(b"\n") + 1]
            if len(whole) < len(text):  # a writer died in the middle of a line, which nobody was told of
                file.truncate(len(whole))
            lines = whole.splitlines()
            file.write(b"".join(line + b"\n" for line in linked(entries, lines[-1] if lines else None)))
            file.flush()
            os.fsync(file.fileno())


def linked(entries: Sequence[Entry], last: bytes | None) -> list[bytes]:
    """The lines of ``entries`` after the line ``last``."""
    lines = []
    previous = hashlib.sha256(last).hexdigest() if last is not None else _FIRST
    for entry in entries:
        line = _ENCODER.encode(msgspec.structs.replace(entry, previous=previous))
        lines.append(line)
        previous = hashlib.sha256(line).hexdigest()
    return lines


def chained(lines: Sequence[bytes], where: str) -> list[Entry]:
    """The entries in ``lines``.

    Raises:
        InputError: one was changed, or is missing.
    """
    found, previous = [], _FIRST
    decoder = msgspec.json.Decoder(Entry)
    for number, line in enumerate(lines, 1):
        try:
            entry = decoder.decode(line)
        except msgspec.MsgspecError as error:
            raise InputError(f"no entry: {error}", where=f"{where}, line {number}") from None
        if entry.previous != previous:
            raise InputError(
                "the chain of entries is broken", where=f"{where}, line {number}", do="Restore the record."
            )
        previous = hashlib.sha256(line).hexdigest()
        found.append(entry)
    return found


class History:
    """What the entries amount to, by account.

    Args:
        entries: all of them, in order.
        person: who is behind an entry that lets a measure go further (approved, released, confirmed); "" if that is
            not shown, and the entry counts for nothing.
    """

    def __init__(self, entries: Sequence[Entry], person: Callable[[Entry], str] = named) -> None:
        self.measured: dict[str, Entry] = {}  # the measure in force
        self.begun: dict[str, int] = {}  # when the account first came under a measure
        self.open_appeals: dict[str, Entry] = {}  # by measure
        self.unproven: list[Entry] = []  # count for nothing
        self._person = person
        self._seen: dict[str, tuple[str, int]] = {}  # account -> its campaign, and where in the record it came into it
        self._approved: dict[str, dict[str, int]] = {}  # campaign -> person -> place of the last
        self._released: dict[tuple[str, str], int] = {}
        self._lifted: dict[str, int] = {}
        self._confirmed: set[tuple[str, str]] = set()
        self._signed: set[str] = set()
        for place, entry in enumerate(entries):
            self._take(place, entry)

    def _take(self, place: int, entry: Entry) -> None:
        if entry.what == "measured":
            self.measured[entry.account] = entry
            self.begun.setdefault(entry.account, entry.time)
            if self._seen.get(entry.account, ("",))[0] != entry.campaign:
                self._seen[entry.account] = entry.campaign, place
        elif entry.what == "ended":
            self._over(entry.account)
        elif entry.what in ("approved", "released", "confirmed"):
            self._further(place, entry)
        elif entry.what == "appealed":
            self.open_appeals[entry.measure] = entry
        else:
            self.open_appeals.pop(entry.measure, None)
            if entry.what == "upheld":
                self._lifted[entry.account] = place
                self._over(entry.account)

    def _over(self, account: str) -> None:
        """The account's measure is; who approved it saw the account as it was."""
        self.measured.pop(account, None)
        self._seen.pop(account, None)

    def _further(self, place: int, entry: Entry) -> None:
        """What a person says that lets a measure go further."""
        person = self._person(entry)
        if not person or entry.signature in self._signed:  # a signed entry that is there again says nothing new
            self.unproven.append(entry)
            return
        if entry.signature:
            self._signed.add(entry.signature)
        if entry.what == "approved":
            self._approved.setdefault(entry.campaign, {})[person] = place
        elif entry.what == "released":
            self._released[entry.account, entry.campaign] = place
        else:
            self._confirmed.add((entry.account, entry.campaign))

    def approvals(self, account: str, campaign: str) -> int:
        """How many people approved the campaign's block since ``account`` was in it for them to see."""
        there, seen = self._seen.get(account, ("", 0))
        return sum(place > seen for place in self._approved.get(campaign, {}).values()) if there == campaign else 0

    def released(self, account: str, campaign: str) -> bool:
        """Whether a person let the account come under a measure: beyond the budget, or again after an appeal."""
        lifted = self._lifted.get(account, -1)
        by_name = self._released.get((account, ""), self._released.get((account, campaign), -1))
        return by_name > lifted or (lifted < 0 and ("", campaign) in self._released)

    def lifted(self, account: str) -> bool:
        """Whether an appeal was upheld: the account comes under no measure again unless a person releases it."""
        return account in self._lifted

    def confirmed(self, account: str, campaign: str) -> bool:
        """Whether there is recorded local evidence for what came from the forum."""
        return (account, campaign) in self._confirmed or ("", campaign) in self._confirmed

    def begun_on(self, day: int, length: int) -> int:
        """Accounts that first came under a measure on ``day``, counted in ``length`` microseconds since the epoch."""
        return sum(time // length == day for time in self.begun.values())

    def find(self, measure: str) -> Entry:
        """The measure of that id.

        Raises:
            UsageError: there is none in force.
        """
        for entry in self.measured.values():
            if entry.measure == measure:
                return entry
        raise UsageError(f"no measure {measure!r} is in force", do="`stillwatch gate measures` lists them.")
