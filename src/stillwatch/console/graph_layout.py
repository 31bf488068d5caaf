"""Where the nodes of a cluster graph stand, found without chance: the same campaign gives the same picture.

Artifacts stand in two columns, left and right; accounts stand between them, pulled toward what they share. Accounts
that share exactly the same artifacts are one group.
"""

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from stillwatch.schema.campaign import Campaign, Tie

TIES, GROUPS, DOTS = 16, 60, 160  # at most: artifacts and groups drawn, accounts drawn one by one
WIDTH, COLUMN, TOP = 880.0, 264.0, 24.0  # pixels
GOLDEN = math.pi * (3 - math.sqrt(5))  # the angle that packs seeds evenly (Vogel 1979)

Spot = tuple[float, float]


@dataclass(slots=True)
class Group:
    """Accounts that share exactly the same drawn artifacts; ``x``, ``y`` and ``radius`` in pixels."""

    accounts: list[str]
    ties: tuple[int, ...]  # indices into the drawn artifacts
    x: float = 0.0
    y: float = 0.0
    radius: float = 0.0


@dataclass(frozen=True, slots=True)
class Layout:
    """A graph ready to draw: artifacts with their spots, groups of accounts largest first, and what was left out."""

    ties: list[Tie]
    spots: list[Spot]
    groups: list[Group]
    partly: list[int]  # artifacts whose accounts are counted, but not all listed
    one_by_one: bool  # every account is a dot of its own
    left_out: int  # accounts in groups too small to draw
    height: float

    @property
    def dot(self) -> float:
        """Radius of one account's dot."""
        return 6.0 if sum(len(group.accounts) for group in self.groups) <= 40 else 4.0


def layout(campaign: Campaign) -> Layout:
    """The layout of a campaign with at least one artifact."""
    ties = sorted(campaign.ties, key=lambda t: (-t.bits, -t.accounts_total, t.kind, t.value))[:TIES]
    groups = grouped(campaign, ties)
    rows = math.ceil(len(ties) / 2)
    row = 56.0 if rows > 3 else 72.0
    height = rows * row + 2 * TOP
    drawn = Layout(
        ties=ties,
        spots=[_spot(index, len(ties), row, height) for index in range(len(ties))],
        groups=groups[:GROUPS],
        partly=[index for index, tie in enumerate(ties) if not _known(tie, campaign)],
        one_by_one=len(campaign.accounts) <= DOTS,
        left_out=sum(len(group.accounts) for group in groups[GROUPS:]),
        height=height,
    )
    _place(drawn)
    return drawn


def grouped(campaign: Campaign, ties: Sequence[Tie]) -> list[Group]:
    """The accounts of ``campaign`` by the ``ties`` they are known to share, largest group first."""
    shared: dict[str, list[int]] = {account: [] for account in campaign.accounts}
    for index, tie in enumerate(ties):
        for account in _known(tie, campaign):
            if account in shared:
                shared[account].append(index)
    by_ties: dict[tuple[int, ...], list[str]] = defaultdict(list)
    for account in sorted(shared):
        by_ties[tuple(shared[account])].append(account)
    groups = [Group(accounts, signature) for signature, accounts in by_ties.items()]
    return sorted(groups, key=lambda g: (-len(g.accounts), g.ties, g.accounts))


def _known(tie: Tie, campaign: Campaign) -> Sequence[str]:
    """Accounts that certainly share ``tie``, or none where only a sample of them is listed (see ``Tie.accounts``)."""
    if tie.accounts_total >= len(campaign.accounts):
        return campaign.accounts
    return tie.accounts if tie.accounts_total <= len(tie.accounts) else ()


def _spot(index: int, total: int, row: float, height: float) -> Spot:
    """Where an artifact stands: even ones in the left column, odd ones in the right, each column centred."""
    side, place = index % 2, index // 2
    rows = (total + 1 - side) // 2
    return (WIDTH - COLUMN if side else COLUMN, height / 2 + (place - (rows - 1) / 2) * row)


def _place(graph: Layout) -> None:
    """Put every group at the middle of what it shares (a great one in the very middle), then part what overlaps."""
    middle = (WIDTH / 2, graph.height / 2)
    largest = len(graph.groups[0].accounts)
    for number, group in enumerate(graph.groups):
        count = len(group.accounts)
        group.radius = (
            1.4 * graph.dot * math.sqrt(count) + graph.dot
            if graph.one_by_one
            else max(11, 60 * math.sqrt(count / largest))
        )
        pull = [graph.spots[tie] for tie in group.ties] or [middle]
        # A nudge by rank keeps groups of one centre from standing on the same spot, where no direction leads apart.
        group.x = 0.4 * middle[0] + 0.6 * sum(x for x, _ in pull) / len(pull) + math.cos(number * GOLDEN)
        group.y = 0.1 * middle[1] + 0.9 * sum(y for _, y in pull) / len(pull) + math.sin(number * GOLDEN)
    for _ in range(150):
        if not graph.one_by_one:
            graph.groups[0].x, graph.groups[0].y = middle
        for first, one in enumerate(graph.groups):
            for other in graph.groups[first + 1 :]:
                _part(one, other)
        for group in graph.groups:
            edge = group.radius + 4
            group.x = min(max(group.x, COLUMN + 24 + edge), WIDTH - COLUMN - 24 - edge)
            group.y = min(max(group.y, edge), graph.height - edge)


def _part(one: Group, other: Group) -> None:
    """Move two overlapping groups apart, the smaller one further."""
    dx, dy = other.x - one.x, other.y - one.y
    distance = math.hypot(dx, dy) or 1.0
    overlap = one.radius + other.radius + 6 - distance
    if overlap <= 0:
        return
    share = one.radius / (one.radius + other.radius)
    one.x, one.y = one.x - dx / distance * overlap * (1 - share), one.y - dy / distance * overlap * (1 - share)
    other.x, other.y = other.x + dx / distance * overlap * share, other.y + dy / distance * overlap * share
