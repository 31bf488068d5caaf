"""What the entries of a log have to add up to: the rules by which an auditor judges the hub, and the members.

``Conduct`` reads entries in order and remembers as little as it needs. It knows the log alone: what a hub does and does
not log, it cannot see. That is what members' own records, openings and witnesses are for.
"""

import base64
from bisect import bisect_left, bisect_right
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import singledispatchmethod
from typing import Any, Final

from stillwatch.forum.ledger import entries as e
from stillwatch.forum.ledger.acknowledgement import acknowledged
from stillwatch.forum.ledger.keys import key_id

#: The rules by their names, as the report says them.
RULES: Final = {
    "submitted": "Nothing was decided on, shared or recalled that had not been submitted",
    "decided": "Every submission was decided by a policy in force, and nothing was shared against its decision",
    "second-person": "Nobody released or rejected what they had submitted, and whoever did so was counsel",
    "fetched": "Nobody fetched what had not been released",
    "recalled": "Every withdrawal and erasure reached every member that had fetched the item, and each signed so",
    "resolved": "Whoever looked up who is behind a pseudonym was an operator, and gave a reason",
    "appealed": "Every appeal was answered by the submitter before its deadline",
    "compared": "No two members compared a kind twice in an epoch, and nothing was disclosed without both's consent",
    "enrolled": "Every member that acted was enrolled",
    "entitled": "Nobody read a collection, or wrote to it, without the right to at the time",
    "arranged": "Rights, roles, pseudonyms and tokens were changed by an operator who is named, once there was one",
    "in-order": "The entries are in the order of their times",
}
OPERATOR, COUNSEL = "operator", "counsel"


@dataclass(frozen=True, slots=True)
class Remark:
    """What a rule has to say of an entry (None: of the log as a whole). ``open`` is what is not yet due."""

    rule: str
    entry: int | None
    text: str
    open: bool = False


@dataclass(slots=True)
class Item:
    """What became of a submitted object version."""

    index: int
    submitted: e.Submitted
    state: str = "submitted"
    decided: e.Entry | None = None
    released_by: str = ""
    positions: list[int] = field(default_factory=list)


@dataclass(slots=True)
class Recall:
    """A withdrawal or erasure: what, from whom, whose acknowledgement is missing, and how many parts were told."""

    index: int
    entry: e.Recalled
    missing: set[str] = field(default_factory=set)
    items: dict[str, None] = field(default_factory=dict)
    owed: set[str] = field(default_factory=set)
    parts: int = 0


@dataclass(slots=True)
class Appeal:
    """An objection, its answer, and what was done where there was none in time."""

    index: int
    entry: e.Appealed
    answer: e.Answered | None = None
    lapsed: e.Lapsed | None = None


class Conduct:
    """The state that the rules need. Feed it every entry, then ask it to conclude.

    Args:
        grace: how long a member may take to acknowledge a recall.
    """

    def __init__(self, grace: timedelta = timedelta(days=7)) -> None:
        self.grace = grace
        self.items: dict[str, Item] = {}
        self.recalls: dict[str, Recall] = {}
        self.appeals: dict[str, Appeal] = {}
        self.resolved: list[tuple[int, e.Resolved]] = []
        self.remarks: list[Remark] = []
        self.keys: dict[str, dict[str, bytes]] = defaultdict(dict)
        self.counts: dict[str, int] = defaultdict(int)
        self.first_time = self.last_time = ""
        self._index = 0
        self._roles: dict[str, frozenset[str]] = {}
        self._policies: set[str] = set()
        self.arranged: list[tuple[int, e.Arranged]] = []
        self.unrecorded: set[str] = set()  # enrolled before the log spoke of rights, and none recorded since
        self._rights: dict[tuple[str, str], e.Granted] = {}
        self._enrolled: set[str] = set()
        self._retired: set[tuple[str, str]] = set()
        self._late: set[str] = set()  # who answered an appeal that had lapsed
        self._counted: set[tuple[str, ...]] = set()  # epoch, kind and pair of each comparison
        self._consents: dict[str, set[str]] = {}  # session of a comparison -> who agreed to its disclosure
        self._last: dict[str, int] = defaultdict(int)  # last position given in a collection
        self._pages: dict[str, dict[str, Ranges]] = defaultdict(lambda: defaultdict(Ranges))

    def feed(self, index: int, entry: e.Entry) -> None:
        """Judge the next entry."""
        self._index = index
        self.counts[str(entry.__struct_config__.tag)] += 1
        if entry.time < self.last_time:
            self._remark("in-order", f"is of {entry.time}, and the one before of {self.last_time}")
        self.first_time, self.last_time = self.first_time or entry.time, max(entry.time, self.last_time)
        actor = getattr(entry, "actor", "")
        if actor and not isinstance(entry, e.Enrolled) and actor not in self._enrolled:
            self._remark("enrolled", f"{actor} acts and was never enrolled")
        if isinstance(entry, e.Arranged):
            self._arrange(entry)
        self._judge(entry)

    def conclude(self, now: str) -> list[Remark]:
        """Everything that there is to remark at the time ``now`` (as of ``entries.stamp``), in order."""
        remarks = list(self.remarks)
        for name, item in self.items.items():
            if item.state == "submitted":
                remarks.append(Remark("decided", item.index, f"item {name} was never decided on"))
        for name, recall in self.recalls.items():
            if recall.parts < recall.entry.parts:
                remarks.append(Remark("recalled", recall.index, f"recall {name} is not whole"))
            due = later(recall.entry.time, self.grace)
            remarks.extend(
                Remark("recalled", recall.index, f"{actor} has not acknowledged recall {name}, due {due}", due >= now)
                for actor in sorted(recall.missing)
            )
        for name, appeal in self.appeals.items():
            if appeal.answer is None:
                due = appeal.entry.deadline
                idle = "" if appeal.lapsed or due >= now else ", and nothing followed from that"
                remarks.append(
                    Remark("appealed", appeal.index, f"appeal {name} is not answered, due {due}{idle}", due >= now)
                )
        return sorted(remarks, key=lambda each: -1 if each.entry is None else each.entry)

    @singledispatchmethod
    def _judge(self, entry: Any) -> None:
        """Entries without a rule of their own: feedback, keyholders, joining."""
        if isinstance(entry, e.Reported):
            self._item(entry.item)

    @_judge.register
    def _(self, entry: e.Enrolled) -> None:
        self._enrolled.add(entry.actor)
        if not self._rights:
            self.unrecorded.add(entry.actor)

    @_judge.register
    def _(self, entry: e.Granted) -> None:
        self._rights[entry.actor, entry.collection] = entry
        self.unrecorded.discard(entry.actor)

    @_judge.register
    def _(self, entry: e.Keyed) -> None:
        public = base64.b64decode(entry.public)
        self.keys[entry.actor][key_id(public)] = public
        self._retired.discard((entry.actor, key_id(public)))

    @_judge.register
    def _(self, entry: e.Unkeyed) -> None:
        # Kept for what it signed before: an opened object is not younger than its submission.
        if entry.key not in self.keys[entry.actor]:
            self._remark("enrolled", f"{entry.actor} gives up a key that it never had")
        self._retired.add((entry.actor, entry.key))

    @_judge.register
    def _(self, entry: e.Appointed) -> None:
        self._roles[entry.person] = frozenset(entry.roles)

    @_judge.register
    def _(self, entry: e.Ruled) -> None:
        self._policies.add(entry.policy)

    @_judge.register
    def _(self, entry: e.Submitted) -> None:
        self._entitle(entry.actor, entry.collection, "wrote to")
        if entry.item in self.items:
            self._remark("submitted", f"item {entry.item} is submitted twice")
        else:
            self.items[entry.item] = Item(self._index, entry)

    @_judge.register
    def _(self, entry: e.Quarantined) -> None:
        expected = "submitted" if entry.cause == "guard" else "released"
        self._decide(entry, "quarantined", {expected, "merged"} if expected == "released" else {expected})

    @_judge.register
    def _(self, entry: e.Withheld) -> None:
        self._by_whom(entry)
        self._decide(entry, "withheld", {"submitted"} if entry.by == "guard" else {"quarantined"})

    @_judge.register
    def _(self, entry: e.Merged) -> None:
        self._by_whom(entry)
        self._decide(entry, "merged", {"submitted"} if entry.by == "guard" else {"quarantined"})
        self._item(entry.into)

    @_judge.register
    def _(self, entry: e.Released) -> None:
        self._by_whom(entry)
        before = self.items[entry.item].decided if entry.item in self.items else None
        item = self._decide(entry, "released", {"submitted", "merged"} if entry.by == "guard" else {"quarantined"})
        if item is None:
            return
        held = isinstance(before, e.Quarantined) and before.cause == "appeal"
        if entry.by == "answer" and not (held and item.submitted.actor in self._late):
            self._remark("appealed", f"item {entry.item} is released for an answer that nobody gave")
        collection = item.submitted.collection
        if entry.position <= self._last[collection]:
            self._remark("fetched", f"position {entry.position} of collection {collection} is given out of order")
        self._last[collection] = max(entry.position, self._last[collection])
        item.released_by = entry.by
        item.positions.append(entry.position)

    @_judge.register
    def _(self, entry: e.Fetched) -> None:
        self._entitle(entry.actor, entry.collection, "read")
        if not 1 <= entry.first <= entry.last <= self._last[entry.collection]:
            self._remark(
                "fetched", f"{entry.actor} fetched positions up to {entry.last}, which nothing was released at"
            )
        if not 1 <= entry.count <= entry.last - entry.first + 1:
            self._remark("fetched", f"{entry.actor} fetched {entry.count} items at {entry.first} to {entry.last}")
        self._pages[entry.collection][entry.actor].add(entry.first, entry.last)

    @_judge.register
    def _(self, entry: e.Recalled) -> None:
        recall = self.recalls.get(entry.recall)
        if recall is not None and entry.part == 0:
            self._remark("recalled", f"recall {entry.recall} is made twice")
        if recall is None or entry.part == 0:
            recall = self.recalls[entry.recall] = Recall(self._index, entry)
        same = (recall.entry.kind, recall.entry.actor, recall.entry.parts)
        if entry.part != recall.parts or same != (entry.kind, entry.actor, entry.parts):
            self._remark("recalled", f"part {entry.part} of recall {entry.recall} is out of place")
        recall.parts += 1
        recall.items |= dict.fromkeys(entry.items)
        recall.owed |= set(entry.owed)
        recall.missing |= set(entry.owed)
        if recall.parts == recall.entry.parts:
            self._whole(recall)

    def _whole(self, recall: Recall) -> None:
        """Judge a recall of which every part is told."""
        for name in recall.items:
            item = self._item(name)
            if item is None:
                continue
            forgotten = self._holders(item) - recall.owed - {recall.entry.actor, item.submitted.actor}
            for actor in sorted(forgotten):
                self._remark("recalled", f"{actor} fetched item {name} and is not told of its recall")
            item.state = "recalled"

    @_judge.register
    def _(self, entry: e.Acknowledged) -> None:
        recall = self.recalls.get(entry.recall)
        if recall is None:
            self._remark("recalled", f"{entry.actor} acknowledges a recall that was never made")
        elif (entry.actor, entry.key) in self._retired or not acknowledged(entry, self.keys[entry.actor]):
            self._remark("recalled", f"the acknowledgement by {entry.actor} is not signed by a key of theirs")
        else:
            if entry.actor in recall.missing and entry.time > (due := later(recall.entry.time, self.grace)):
                self._remark("recalled", f"{entry.actor} acknowledged recall {entry.recall} late, due {due}")
            recall.missing.discard(entry.actor)

    @_judge.register
    def _(self, entry: e.Resolved) -> None:
        self.resolved.append((self._index, entry))
        if OPERATOR not in self._roles.get(entry.person, ()):
            self._remark("resolved", f"{entry.person}, who is no operator, looked up {entry.actor}")

    @_judge.register
    def _(self, entry: e.Appealed) -> None:
        if entry.appeal in self.appeals:
            self._remark("appealed", f"appeal {entry.appeal} is made twice")
        self.appeals[entry.appeal] = Appeal(self._index, entry)
        self._item(entry.item)

    @_judge.register
    def _(self, entry: e.Answered) -> None:
        appeal = self.appeals.get(entry.appeal)
        if appeal is None:
            self._remark("appealed", f"{entry.actor} answers an appeal that was never made")
            return
        item = self.items.get(appeal.entry.item)
        if item is not None and item.submitted.actor != entry.actor:
            self._remark("appealed", f"appeal {entry.appeal} is answered by another than the submitter")
        if entry.time > appeal.entry.deadline:
            self._remark("appealed", f"appeal {entry.appeal} is answered late, due {appeal.entry.deadline}")
            if appeal.lapsed:
                self._late.add(entry.actor)
        appeal.answer = entry

    @_judge.register
    def _(self, entry: e.Lapsed) -> None:
        appeal = self.appeals.get(entry.appeal)
        if appeal is None:
            self._remark("appealed", f"appeal {entry.appeal}, which was never made, has lapsed")
            return
        if entry.time <= appeal.entry.deadline or appeal.answer:
            self._remark("appealed", f"appeal {entry.appeal} has lapsed before its deadline, or once answered")
        appeal.lapsed = entry

    @_judge.register
    def _(self, entry: e.Compared) -> None:
        if entry.stage == "cardinality":
            for kind in entry.kinds or ("",):
                once = (entry.epoch, kind, *sorted((entry.actor, entry.other)))
                if once in self._counted:
                    self._remark("compared", f"{entry.actor} and {entry.other} compared {kind or 'anything'} twice")
                self._counted.add(once)
            self._consents.setdefault(entry.session, set())
        elif entry.stage == "disclosure":
            for actor in sorted({entry.actor, entry.other} - self._consents.get(entry.session, set())):
                self._remark("compared", f"{entry.session} was disclosed, to which {actor} had not consented")

    @_judge.register
    def _(self, entry: e.Consented) -> None:
        if entry.session not in self._consents:
            self._remark("compared", f"{entry.actor} decides on {entry.session}, of which nothing was counted")
        elif entry.agree:
            self._consents[entry.session].add(entry.actor)

    def _arrange(self, entry: e.Arranged) -> None:
        """An operator is named, but for a member's own keys and as long as nobody is an operator."""
        self.arranged.append((self._index, entry))
        kind = entry.__struct_config__.tag
        if entry.by and OPERATOR not in self._roles.get(entry.by, ()):
            self._remark("arranged", f"{entry.by}, who is no operator, made the entry {kind}")
        own = isinstance(entry, e.Keyed | e.Unkeyed)
        if not entry.by and not own and any(OPERATOR in roles for roles in self._roles.values()):
            self._remark("arranged", f"nobody answers for the entry {kind}, where there was an operator")

    def _entitle(self, actor: str, collection: str, did: str) -> None:
        right = self._rights.get((actor, collection))
        if actor not in self.unrecorded and not (right and (right.read if did == "read" else right.write)):
            self._remark("entitled", f"{actor} {did} collection {collection} without the right to")

    def _decide(self, entry: Any, state: str, allowed: set[str]) -> Item | None:
        """Take an item from one of the states ``allowed`` to ``state``."""
        item = self._item(entry.item)
        if item is None:
            return None
        if entry.policy not in self._policies:
            self._remark("decided", f"item {entry.item} is {state} by a policy that was never put in force")
        if item.state not in allowed:
            self._remark("decided", f"item {entry.item} is {state} when it is {item.state}")
        item.state, item.decided = state, entry
        return item

    def _by_whom(self, entry: e.Released | e.Withheld | e.Merged) -> None:
        """Counsel's decisions name a person, who has the role and is not the submitter; all others name nobody."""
        if entry.by != "counsel":
            if entry.person:
                self._remark("second-person", f"a decision that is not counsel's on item {entry.item} names a person")
            return
        item = self.items.get(entry.item)
        if item is not None and entry.person == item.submitted.person:
            self._remark("second-person", f"{entry.person} decides on item {entry.item}, which they submitted")
        if COUNSEL not in self._roles.get(entry.person, ()):
            self._remark("second-person", f"{entry.person or 'nobody'}, not counsel, decides on item {entry.item}")

    def _item(self, name: str) -> Item | None:
        found = self.items.get(name)
        if found is None:
            self._remark("submitted", f"item {name} was never submitted")
        return found

    def _holders(self, item: Item) -> set[str]:
        """Who fetched a page on which the item was."""
        pages = self._pages[item.submitted.collection]
        return {actor for actor, ranges in pages.items() if any(place in ranges for place in item.positions)}

    def _remark(self, rule: str, text: str) -> None:
        self.remarks.append(Remark(rule, self._index, text))


class Ranges:
    """A set of positions as ranges apart from each other, in order: members fetch in order, so there are few."""

    def __init__(self) -> None:
        self._first: list[int] = []
        self._last: list[int] = []

    def add(self, first: int, last: int) -> None:
        """Add ``first`` to ``last``, both included."""
        begin, end = bisect_left(self._last, first - 1), bisect_right(self._first, last + 1)
        if begin < end:
            first, last = min(first, self._first[begin]), max(last, self._last[end - 1])
        self._first[begin:end], self._last[begin:end] = [first], [last]

    def __contains__(self, place: int) -> bool:
        found = bisect_right(self._first, place) - 1
        return found >= 0 and place <= self._last[found]


def later(time: str, by: timedelta) -> str:
    """The time of an entry, and some more; a time that is no date is kept as it is."""
    try:
        return e.stamp(round((datetime.fromisoformat(time) + by).timestamp() * 1_000_000))
    except (ValueError, OverflowError):
        return time
