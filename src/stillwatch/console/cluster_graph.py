"""The cluster graph: who shares what, laid out without chance.

Artifacts stand in two columns, left and right; accounts stand between them, pulled toward what they share. Accounts
that share exactly the same artifacts are one group: dots while a campaign is small, a bubble with its number when it
is large. An artifact lists at most 50 of its accounts (``schema.campaign.Tie``); where it has more, and not all of
the campaign, a dashed line goes to the largest group instead of a guess.
"""

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from stillwatch.console.words import large, plural, printable
from stillwatch.schema.campaign import Campaign, Tie

TIES, GROUPS, DOTS = 16, 40, 160  # at most: artifacts and groups drawn, accounts drawn one by one
WIDTH, COLUMN, ROW, TOP = 880.0, 250.0, 48.0, 30.0
_GOLDEN = math.pi * (3 - math.sqrt(5))


@dataclass(slots=True)
class Group:
    """Accounts that share exactly the same drawn artifacts; ``x``, ``y`` and ``radius`` in pixels."""

    accounts: list[str]
    ties: tuple[int, ...]  # indices into the drawn artifacts
    x: float = 0.0
    y: float = 0.0
    radius: float = 0.0


def drawn_ties(campaign: Campaign) -> list[Tie]:
    """The artifacts worth drawing: those of most surprise, then those of most accounts."""
    return sorted(campaign.ties, key=lambda t: (-t.bits, -t.accounts_total, t.kind, t.value))[:TIES]


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
    """Accounts that certainly share ``tie``, or none where only a sample of them is listed."""
    if tie.accounts_total >= len(campaign.accounts):
        return campaign.accounts
    return tie.accounts if tie.accounts_total <= len(tie.accounts) else ()


def cluster_graph(campaign: Campaign) -> Markup:
    """The graph as SVG, or nothing if the campaign's accounts share no artifact."""
    ties = drawn_ties(campaign)
    if not ties:
        return Markup("")
    groups = grouped(campaign, ties)[:GROUPS]
    rows = math.ceil(len(ties) / 2)
    height = max(rows * ROW + 2 * TOP, 240.0)
    spots = [_spot(index, len(ties), height) for index in range(len(ties))]
    _place(groups, spots, height, each=len(campaign.accounts) <= DOTS)
    parts = [
        Markup('<svg viewBox="0 0 {:.0f} {:.0f}" class="chart graph" role="img" aria-label="{}">').format(
            WIDTH, height, _spoken(campaign, ties)
        )
    ]
    parts += [_line(group, spots[tie], len(campaign.accounts)) for group in groups for tie in group.ties]
    parts += [_line(groups[0], spots[i], 0) for i, tie in enumerate(ties) if not _known(tie, campaign)]
    parts += [_group(group, each=len(campaign.accounts) <= DOTS) for group in groups]
    parts += [_artifact(tie, spot) for tie, spot in zip(ties, spots, strict=True)]
    return Markup("").join([*parts, Markup("</svg>")])


def _spoken(campaign: Campaign, ties: Sequence[Tie]) -> str:
    most = ties[0]
    return (
        f"Cluster graph: {plural(len(campaign.accounts), 'account')} tied by {plural(len(campaign.ties), 'artifact')}, "
        f"{len(ties)} of them drawn; the most surprising is a {printable(most.kind)} shared by {large(most.accounts_total)}"
    )


def _spot(index: int, total: int, height: float) -> tuple[float, float]:
    """Where an artifact stands: even ones in the left column, odd ones in the right, each column centred."""
    side, row = index % 2, index // 2
    rows = (total + 1 - side) // 2
    return (WIDTH - COLUMN if side else COLUMN, height / 2 + (row - (rows - 1) / 2) * ROW)


def _place(groups: list[Group], spots: Sequence[tuple[float, float]], height: float, *, each: bool) -> None:
    """Put every group at the middle of what it shares, then push overlapping ones apart."""
    largest = max(len(group.accounts) for group in groups)
    for number, group in enumerate(groups):
        count = len(group.accounts)
        group.radius = 4 + 5.5 * math.sqrt(count) if each else 7 + 55 * math.sqrt(count / largest)
        if not each and number:
            group.radius = min(group.radius, 34.0)
        pull = [spots[tie] for tie in group.ties] or [(WIDTH / 2, height / 2)]
        # A nudge by rank keeps groups of one centre from standing on the same spot, where no direction leads apart.
        group.x = 0.45 * WIDTH / 2 + 0.55 * sum(x for x, _ in pull) / len(pull) + math.cos(number * _GOLDEN)
        group.y = 0.15 * height / 2 + 0.85 * sum(y for _, y in pull) / len(pull) + math.sin(number * _GOLDEN)
    for _ in range(120):
        for first, one in enumerate(groups):
            for other in groups[first + 1 :]:
                _part(one, other)
        for group in groups:
            edge = group.radius + 4
            group.x = min(max(group.x, COLUMN + 24 + edge), WIDTH - COLUMN - 24 - edge)
            group.y = min(max(group.y, edge), height - edge)


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


def _line(group: Group, spot: tuple[float, float], total: int) -> Markup:
    """A tie; its width says which share of the campaign it holds. Dashed (``total`` 0) where only a sample is known."""
    x, y = spot
    middle = (group.x + x) / 2
    width = 1 + 5 * len(group.accounts) / total if total else 2
    return Markup(
        '<path class="tie{}" stroke-width="{:.1f}" d="M{:.1f} {:.1f}C{:.1f} {:.1f} {:.1f} {:.1f} {:.1f} {:.1f}"/>'
    ).format("" if total else " partly", width, group.x, group.y, middle, group.y, middle, y, x, y)


def _group(group: Group, *, each: bool) -> Markup:
    if each:
        dots = [Markup("<g>")]
        for number, account in enumerate(group.accounts):
            away, turn = (5.5 * math.sqrt(number + 0.5) if len(group.accounts) > 1 else 0), number * _GOLDEN
            dots.append(
                Markup('<circle class="account" cx="{:.1f}" cy="{:.1f}" r="4"><title>{}</title></circle>').format(
                    group.x + away * math.cos(turn), group.y + away * math.sin(turn), printable(account, 80)
                )
            )
        return Markup("").join([*dots, Markup("</g>")])
    count = len(group.accounts)
    label = Markup('<text class="inside" x="{:.1f}" y="{:.1f}">{}</text>').format(group.x, group.y + 4, f"{count:,}")
    return Markup(
        '<g><title>{}</title><circle class="bubble" cx="{:.1f}" cy="{:.1f}" r="{:.1f}"/>{}</g>'
    ).format(
        f"{plural(count, 'account')} that share {plural(len(group.ties), 'drawn artifact')} in full",
        group.x, group.y, group.radius, label if group.radius > 12 else Markup(""),
    )  # fmt: skip


def _artifact(tie: Tie, spot: tuple[float, float]) -> Markup:
    """A square with the artifact's kind, its redacted value and how many share it."""
    x, y = spot
    left = x < WIDTH / 2
    elsewhere = f" · {large(tie.accounts_elsewhere)} elsewhere" if tie.accounts_elsewhere else ""
    return Markup(
        '<g class="artifact"><title>{}</title><rect x="{:.1f}" y="{:.1f}" width="9" height="9" rx="1"/>'
        '<text class="name" x="{:.1f}" y="{:.1f}" text-anchor="{}">{}</text>'
        '<text class="tick" x="{:.1f}" y="{:.1f}" text-anchor="{}">{}</text></g>'
    ).format(
        f"{printable(tie.kind)} {printable(tie.value, 200)}: {tie.bits:.1f} bits of surprise",
        x - 4.5, y - 4.5,
        x + (-12 if left else 12), y - 2, "end" if left else "start", _clip(tie.kind, tie.value),
        x + (-12 if left else 12), y + 13, "end" if left else "start", plural(tie.accounts_total, "account") + elsewhere,
    )  # fmt: skip


def _clip(kind: str, value: str, room: int = 36) -> str:
    name, detail = printable(kind, 24), printable(value, 200)
    space = max(room - len(name) - 1, 8)
    return f"{name} {detail if len(detail) <= space else detail[: space - 1] + '…'}"
