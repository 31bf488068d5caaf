"""The audit of a log, offline: is it whole and one, is it signed and witnessed, and did everybody keep the rules.

What it rests on is what the auditor brings: the log's public key, those of the witnesses, and, from an earlier audit or
from a member, checkpoints that the log has to continue.
"""

from base64 import b64decode
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

from stillwatch.errors import InputError
from stillwatch.forum.ledger import checkpoint, note
from stillwatch.forum.ledger.checkpoint import Checkpoint
from stillwatch.forum.ledger.conduct import RULES, Conduct, Remark
from stillwatch.forum.ledger.dsse import verify_object
from stillwatch.forum.ledger.entries import (
    Appointed,
    Arranged,
    Enrolled,
    Granted,
    Issued,
    Keyed,
    Opening,
    Submitted,
    Unkeyed,
    commit,
    decode,
)
from stillwatch.forum.ledger.errors import LedgerError
from stillwatch.forum.ledger.files import CheckpointLine, FileStore, read_checkpoints, read_openings
from stillwatch.forum.ledger.jcs import digest
from stillwatch.forum.ledger.keys import key_id
from stillwatch.forum.ledger.merkle import EMPTY, verify_consistency
from stillwatch.forum.ledger.note import Verifier
from stillwatch.forum.ledger.store import every_entry
from stillwatch.forum.ledger.tree import Tree
from stillwatch.forum.ledger.witness import cosignatures
from stillwatch.schema.stix import SIGNATURE

_PROOFS: Final = {
    "signed": "Every checkpoint is signed by the log",
    "whole": "The entries are those that the checkpoints speak of, all of them and in their order",
    "consistent": "Every checkpoint continues the one before, by the proof that was given at the time",
    "known": "The log continues the checkpoints that the auditor knew before",
    "witnessed": "The latest checkpoint is cosigned by enough witnesses",
    "readable": "Every entry is one of the kinds that a log has, in canonical form: there is no place for content",
    "opened": "Every shared object was shown to the auditor, and is the one in the log, signed by its submitter",
}
#: All checks by name, in the report's order.
CHECKS: Final = {**_PROOFS, **RULES}
PASSED, FAILED, OPEN, SKIPPED = "passed", "failed", "open", "not examined"


@dataclass(frozen=True, slots=True)
class Trust:
    """What the auditor brings.

    Args:
        log: the log's key.
        witnesses: keys of the witnesses.
        quorum: how many of them have to have cosigned the latest checkpoint.
        known: notes of checkpoints from elsewhere: an earlier audit, a member, a witness.
        grace: how long a member may take to acknowledge a recall.
    """

    log: Verifier
    witnesses: tuple[Verifier, ...] = ()
    quorum: int = 0
    known: tuple[str, ...] = ()
    grace: timedelta = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Check:
    """What came of one check. ``remarks`` are its reasons; ``outcome`` one of the four words above."""

    name: str
    says: str
    outcome: str
    remarks: tuple[Remark, ...] = ()


@dataclass(frozen=True, slots=True)
class Shared:
    """A released item. ``object`` is its STIX id where it was opened; ``state`` what it is at the end."""

    item: str
    entry: int
    time: str
    actor: str
    collection: str
    type: str
    by: str
    state: str
    commitment: str
    object: str = ""


@dataclass(frozen=True, slots=True)
class Audit:
    """The auditor's report.

    ``counts`` are entries by type, ``outcomes`` items by what became of them, ``categories`` what was held back by
    category, ``members`` for each pseudonym what it did by entry type. ``arranged`` are all changes of who may do what,
    and ``unrecorded`` how many members had theirs from before the log spoke of rights.
    """

    origin: str
    size: int
    root: str
    as_of: str
    first_time: str
    last_time: str
    checkpoints: int
    witnesses: tuple[str, ...]
    checks: tuple[Check, ...]
    counts: dict[str, int]
    outcomes: dict[str, int]
    categories: dict[str, int]
    members: dict[str, dict[str, int]]
    shared: tuple[Shared, ...]
    resolved: tuple[dict[str, str], ...] = ()
    recalls: tuple[dict[str, str], ...] = ()
    appeals: tuple[dict[str, str], ...] = ()
    arranged: tuple[dict[str, str], ...] = ()
    unrecorded: int = 0

    @property
    def passed(self) -> bool:
        """Whether no check failed."""
        return all(each.outcome != FAILED for each in self.checks)


@dataclass(slots=True)
class _Run:
    """What an audit has found so far."""

    remarks: list[Remark] = field(default_factory=list)
    skipped: set[str] = field(default_factory=set)
    members: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))

    def remark(self, name: str, text: object, entry: int | None = None) -> None:
        self.remarks.append(Remark(name, entry, str(text)))


def run_audit(store: FileStore, trust: Trust, now: str) -> Audit:
    """Audit the log in a folder.

    Args:
        store: the log, with its hashes computed from its entries.
        trust: what the auditor brings.
        now: the time at which deadlines are judged, as of ``entries.stamp``.

    Raises:
        LedgerError: a file is not what it should be, so that there is nothing to audit.
    """
    run = _Run()
    tree = Tree(store, store.size())
    lines = read_checkpoints(store.folder)
    latest = _checkpoints(run, tree, lines, trust)
    _known(run, tree, trust)
    witnesses = _witnessed(run, lines, trust)
    conduct = _entries(run, store, latest.size if latest else store.size(), trust)
    opened = _openings(run, conduct, read_openings(store.folder))
    run.remarks.extend(conduct.conclude(now))
    return Audit(
        origin=trust.log.name,
        size=tree.size,
        root=tree.root().hex(),
        as_of=now,
        first_time=conduct.first_time,
        last_time=conduct.last_time,
        checkpoints=len(lines),
        witnesses=tuple(witnesses),
        checks=_checks(run),
        counts=_sorted(conduct.counts),
        outcomes=_sorted(Counter(each.state for each in conduct.items.values())),
        categories=_categories(conduct),
        members={name: _sorted(run.members[name]) for name in sorted(run.members)},
        shared=_shared(conduct, opened),
        resolved=_resolved(conduct),
        recalls=_recalls(conduct),
        appeals=_appeals(conduct),
        arranged=_arranged(conduct),
        unrecorded=len(conduct.unrecorded),
    )


def _sorted(counts: Mapping[str, int]) -> dict[str, int]:
    return dict(sorted(counts.items()))


def _checkpoints(run: _Run, tree: Tree, lines: Sequence[CheckpointLine], trust: Trust) -> Checkpoint | None:
    """Check every checkpoint against the log's key, the entries and the one before; gives the latest good one."""
    before = Checkpoint(trust.log.name, 0, EMPTY)
    latest = None
    for line in lines:
        try:
            found = checkpoint.verify(note.parse(line.note), trust.log)
        except LedgerError as error:
            run.remark("signed", f"checkpoint {line.size}: {error}")
            continue
        if found.size != line.size:
            run.remark("signed", f"checkpoint {line.size} speaks of {found.size} entries")
        if found.size > tree.size:
            run.remark("whole", f"the log said that it has {found.size} entries, and {tree.size} are here")
        elif tree.root(found.size) != found.root:
            run.remark("whole", f"the first {found.size} entries are not those that the log signed")
        else:
            latest = found
        try:
            verify_consistency(before.size, found.size, before.root, found.root, line.proof())
        except LedgerError as error:
            run.remark("consistent", f"checkpoint {found.size}: {error}")
        before = found
    if latest is None:
        run.remark("whole", "no checkpoint speaks of these entries")
    elif latest.size < tree.size:
        run.remark("whole", f"{tree.size - latest.size} entries after the latest checkpoint are signed by nobody")
    return latest


def _known(run: _Run, tree: Tree, trust: Trust) -> None:
    if not trust.known:
        run.skipped.add("known")
    for raw in trust.known:
        try:
            found = checkpoint.verify(note.parse(raw), trust.log)
            if found.size > tree.size:
                run.remark("known", f"the log once said that it has {found.size} entries, and {tree.size} are here")
            elif tree.root(found.size) != found.root:
                run.remark("known", f"the log once signed other first {found.size} entries: it was rewritten")
        except LedgerError as error:
            run.remark("known", error)


def _witnessed(run: _Run, lines: Sequence[CheckpointLine], trust: Trust) -> list[str]:
    """The names of the witnesses who cosigned the latest checkpoint."""
    if not trust.witnesses:
        run.skipped.add("witnessed")
        return []
    names: list[str] = []
    for line in lines:
        try:
            good = cosignatures(note.parse(line.note), trust.witnesses)
        except LedgerError as error:
            run.remark("witnessed", f"checkpoint {line.size}: {error}")
            good = []
        names = sorted({each.witness.name for each in good})
    if len(names) < trust.quorum:
        run.remark("witnessed", f"{len(names)} of {trust.quorum} witnesses cosigned the latest checkpoint")
    return names


def _entries(run: _Run, store: FileStore, size: int, trust: Trust) -> Conduct:
    conduct = Conduct(trust.grace)
    for index, raw in enumerate(every_entry(store, 0, size)):
        try:
            entry = decode(raw)
        except LedgerError as error:
            run.remark("readable", error, index)
            continue
        conduct.feed(index, entry)
        if actor := getattr(entry, "actor", ""):
            run.members[actor][str(entry.__struct_config__.tag)] += 1
    return conduct


def _openings(run: _Run, conduct: Conduct, openings: Iterable[Opening]) -> dict[str, str]:
    """STIX ids of the items that were opened well."""
    opened: dict[str, str] = {}
    given = False
    for opening in openings:
        given = True
        item = conduct.items.get(opening.item)
        if item is None:
            run.remark("opened", f"item {opening.item} is not in the log")
            continue
        if wrong := _opening(opening, item.submitted, conduct.keys[item.submitted.actor]):
            run.remark("opened", f"item {opening.item} {wrong}", item.index)
        else:
            opened[opening.item] = str(opening.object.get("id"))[:300]
    if not given:
        run.skipped.add("opened")
        return opened
    for name, each in conduct.items.items():
        if each.state == "released" and name not in opened:
            run.remark("opened", f"item {name} is shared and was not shown", each.index)
    return opened


def _opening(opening: Opening, submitted: Submitted, keys: Mapping[str, bytes]) -> str:
    """What is wrong with an opening; empty if nothing is."""
    found = opening.object
    extensions = found.get("extensions")
    try:
        if commit(bytes.fromhex(opening.salt), digest(found)) != submitted.commitment:
            return "was shown as another object than the log's"
        if found.get("type") != submitted.object_type:
            return f"is no {submitted.object_type}"
        if isinstance(extensions, dict) and SIGNATURE.id in extensions and verify_object(found, keys) is None:
            return f"is not signed by a key of {submitted.actor}"
    except InputError as error:
        return str(error)
    return ""


def _checks(run: _Run) -> tuple[Check, ...]:
    remarks: dict[str, list[Remark]] = defaultdict(list)
    for each in run.remarks:
        remarks[each.rule].append(each)
    return tuple(
        Check(name, says, _outcome(remarks[name], name in run.skipped), tuple(remarks[name]))
        for name, says in CHECKS.items()
    )


def _outcome(remarks: Sequence[Remark], skipped: bool) -> str:
    if any(not each.open for each in remarks):
        return FAILED
    return OPEN if remarks else SKIPPED if skipped else PASSED


def _categories(conduct: Conduct) -> dict[str, int]:
    held = (each.decided for each in conduct.items.values() if each.state in ("withheld", "quarantined"))
    return _sorted(Counter(name for each in held for name in getattr(each, "categories", ())))


def _shared(conduct: Conduct, opened: dict[str, str]) -> tuple[Shared, ...]:
    return tuple(
        Shared(
            item=name,
            entry=each.index,
            time=each.submitted.time,
            actor=each.submitted.actor,
            collection=each.submitted.collection,
            type=each.submitted.object_type,
            by=each.released_by,
            state=each.state,
            commitment=each.submitted.commitment,
            object=opened.get(name, ""),
        )
        for name, each in conduct.items.items()
        if each.positions
    )


def _resolved(conduct: Conduct) -> tuple[dict[str, str], ...]:
    return tuple(
        {"entry": str(index), "time": each.time, "pseudonym": each.actor, "by": each.person, "reason": each.reason}
        for index, each in conduct.resolved
    )


def _recalls(conduct: Conduct) -> tuple[dict[str, str], ...]:
    return tuple(
        {
            "entry": str(each.index), "time": each.entry.time, "recall": name, "kind": each.entry.kind,
            "reason": each.entry.reason, "items": str(len(each.items)), "owed": str(len(each.owed)),
            "missing": str(len(each.missing)),
        }
        for name, each in conduct.recalls.items()
    )  # fmt: skip


def _appeals(conduct: Conduct) -> tuple[dict[str, str], ...]:
    return tuple(
        {
            "entry": str(each.index), "time": each.entry.time, "appeal": name, "item": each.entry.item,
            "deadline": each.entry.deadline, "outcome": each.answer.outcome if each.answer else "",
            "lapsed": each.lapsed.measure if each.lapsed else "",
        }
        for name, each in conduct.appeals.items()
    )  # fmt: skip


def _arranged(conduct: Conduct) -> tuple[dict[str, str], ...]:
    return tuple(
        {"entry": str(index), "time": each.time, "change": str(each.__struct_config__.tag), **_change(each),
         "by": each.by}
        for index, each in conduct.arranged
    )  # fmt: skip


def _change(entry: Arranged) -> dict[str, str]:
    """Whom an entry is about, and what they may do from then on."""
    if isinstance(entry, Granted):
        may = " and ".join([name for name, has in (("read", entry.read), ("write to", entry.write)) if has])
        return {"of": entry.actor, "may": f"{may or 'nothing in'} {entry.collection}"}
    if isinstance(entry, Enrolled):
        return {"of": entry.actor, "may": f"take part in group {entry.group}"}
    if isinstance(entry, Keyed):
        return {"of": entry.actor, "may": f"sign with {key_id(b64decode(entry.public))}"}
    if isinstance(entry, Unkeyed):
        return {"of": entry.actor, "may": f"sign no more with {entry.key}"}
    if isinstance(entry, Appointed):
        return {"of": entry.person, "may": f"be {', '.join(entry.roles)}" if entry.roles else "be nothing"}
    if isinstance(entry, Issued):
        return {"of": entry.person, "may": f"use token {entry.token} until {entry.expires}"}
    return {"of": getattr(entry, "token", ""), "may": "be used no more"}
