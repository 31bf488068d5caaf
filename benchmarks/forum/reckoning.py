"""What came of a chaos: outboxes, hub, members and log held against the objects that were made.

The objects are made anew from their seeds, so that nothing rests on what a member or the hub remembers.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import msgspec

from benchmarks.forum.hub import Hub, Member
from benchmarks.forum.objects import indicators
from benchmarks.forum.throughput import connection
from benchmarks.peers.server import Served
from stillwatch.forum.ledger import entries
from stillwatch.forum.ledger.jcs import digest
from stillwatch.forum.ledger.store import every_entry
from stillwatch.forum.member.state import State
from stillwatch.schema import forum
from stillwatch.server.compose import compose


@dataclass(slots=True)
class Outcome:
    """What came of it. Nothing may be lost, repeated, foreign, unordered or wrong.

    Attributes:
        faults: by kind.
        cut: connections that a cut broke.
        objects: that members made.
        lost: objects that the hub does not list or have, or that a member did not fetch.
        repeated: objects that the hub lists or has more than once.
        foreign: objects on the hub or with a member that nobody made so, or of no good signature.
        disordered: neighbours on the hub whose ``date_added`` does not increase.
        refused: objects that their member does not hold for accepted.
        skipped: positions that were left out between two pages of a member.
        again: objects on pages that a member was given again, as it was killed or cut off before it had kept them.
        unlogged: objects of which the log does not say once that they were submitted, and released where they are.
        audit: what the audit says; "" if it passed.
        known: checkpoints that were fetched under way and that the log has to continue.
        seconds: from the first object to the last fetch.
        load: of the machine before it began.
    """

    faults: dict[str, int] = field(default_factory=dict)
    cut: int = 0
    objects: int = 0
    lost: int = 0
    repeated: int = 0
    foreign: int = 0
    disordered: int = 0
    refused: int = 0
    skipped: int = 0
    again: int = 0
    unlogged: int = 0
    audit: str = ""
    known: int = 0
    seconds: float = 0.0
    load: float = 0.0

    @property
    def wrong(self) -> dict[str, object]:
        """What should not be."""
        names = ("lost", "repeated", "foreign", "disordered", "refused", "skipped", "unlogged", "audit")
        found = {name: getattr(self, name) for name in names if getattr(self, name)}
        return found if self.objects else found | {"objects": 0}

    @property
    def good(self) -> bool:
        """Whether nothing went wrong."""
        return not self.wrong


def reckon(outcome: Outcome, hub: Hub, served: Served, folders: Sequence[Path], each: int) -> None:
    """Count, for a hub whose members made ``each`` objects with the seeds 1 and following, and have their states."""
    made: dict[str, bytes] = {}
    for seed, (member, folder) in enumerate(zip(hub.members, folders, strict=True), 1):
        own = {found["id"]: digest(found) for found in indicators(each, member.identity, member.key, seed)}
        outcome.refused += _refused(folder, own)
        made |= own
    outcome.objects = len(made)
    _listed(outcome, served, made)
    for folder in folders:
        _fetched(outcome, folder, made)
    _held(outcome, hub, made)


def _refused(folder: Path, own: Mapping[str, bytes]) -> int:
    """How many of a member's own objects are not accepted in its outbox, and how many others are there."""
    state = State(folder)
    rows = state.rows("SELECT id, digest FROM outbox WHERE state = 'accepted'")
    strange = state.rows("SELECT COUNT(*) FROM outbox")[0][0] - len(rows)
    state.close()
    return int(strange) + len(own.items() ^ {*rows})


class _Entry(msgspec.Struct):
    id: str
    date_added: str


class _Manifest(msgspec.Struct):
    more: bool = False
    next: str = ""
    objects: list[_Entry] = []


def _listed(outcome: Outcome, served: Served, made: Mapping[str, bytes]) -> None:
    """What the hub lists, in one walk over HTTP."""
    listed: list[_Entry] = []
    query: dict[str, str | int] = {"limit": 1000, "match[version]": "all"}
    with connection(served) as client:
        page = _Manifest(more=True)
        while page.more:
            answer = client.get(f"{served.collection}manifest/", params=query).raise_for_status()
            page = msgspec.json.decode(answer.content, type=_Manifest)
            listed += page.objects
            query["next"] = page.next
    counts = Counter(each.id for each in listed)
    outcome.lost += len(made.keys() - counts.keys())
    outcome.foreign += len(counts.keys() - made.keys())
    outcome.repeated += sum(count > 1 for count in counts.values())
    outcome.disordered += sum(before.date_added >= after.date_added for before, after in pairwise(listed))


def _fetched(outcome: Outcome, folder: Path, made: Mapping[str, bytes]) -> None:
    """What a member has: every object, as it was made, with a good signature, and nothing else."""
    state = State(folder)
    right = 0
    for id_, found, standing in state.db.execute("SELECT id, digest, standing FROM object WHERE gone = ''"):
        same = made.get(id_) == found and standing == "good"
        right += same
        outcome.foreign += not same
    outcome.lost += len(made) - right
    outcome.foreign += state.rows("SELECT COUNT(*) FROM fault")[0][0]
    state.close()


def _held(outcome: Outcome, hub: Hub, made: Mapping[str, bytes]) -> None:
    """What is in the hub's database, and what its log says of it."""
    opened = compose(hub.database, hub.folder / "keys")
    with opened.store.reading() as tx:
        number = tx.records.find(forum.Collection, id=hub.collection)[0].number
        submitted: dict[str, list[str]] = defaultdict(list)
        released: dict[str, list[int]] = defaultdict(list)
        pages: dict[str, list[entries.Fetched]] = defaultdict(list)
        for entry in map(entries.decode, every_entry(tx.log, 0, tx.log.size())):
            if isinstance(entry, entries.Submitted):
                submitted[entry.item].append(entry.commitment)
            elif isinstance(entry, entries.Released):
                released[entry.item].append(entry.position)
            elif isinstance(entry, entries.Fetched):
                pages[entry.actor].append(entry)
        counts: Counter[str] = Counter()
        for known in tx.objects.known(number, made.keys()):
            counts[known.id] += 1
            outcome.foreign += known.digest != made[known.id]
            said = [entries.commit(opened.salt(known.item), made[known.id])], [known.position]
            outcome.unlogged += said != (submitted.pop(known.item, []), released.pop(known.item, []))
    opened.store.database.close()
    outcome.lost += len(made.keys() - counts.keys())
    outcome.repeated += sum(count > 1 for count in counts.values())
    outcome.unlogged += len(submitted.keys() | released.keys())
    for member in hub.members:
        _pages(outcome, member, pages[member.identity], len(made))


def _pages(outcome: Outcome, member: Member, pages: Sequence[entries.Fetched], last: int) -> None:
    """A member's pages, in the order of the log: each begins where the one before ended, or began."""
    begin, end = 1, 0
    for page in pages:
        if page.first == begin and end:
            outcome.again += min(end, page.last) - begin + 1
        else:
            outcome.skipped += abs(page.first - end - 1)
        outcome.skipped += abs(page.last - page.first + 1 - page.count)
        begin, end = page.first, max(end, page.last)
    outcome.skipped += last - end
