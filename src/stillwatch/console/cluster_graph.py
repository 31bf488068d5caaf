"""The cluster graph as SVG: squares are shared artifacts, circles are accounts (dots while few, bubbles when many)."""

import math

from markupsafe import Markup

from stillwatch.console.graph_layout import GOLDEN, WIDTH, Group, Layout, Spot, layout
from stillwatch.console.words import large, plural, printable
from stillwatch.schema.campaign import Campaign, Tie

_LABEL = 32  # characters of one line beside an artifact


def cluster_graph(campaign: Campaign) -> Markup:
    """The graph of ``campaign``, or nothing if its accounts share no artifact."""
    if not campaign.ties or not campaign.accounts:
        return Markup("")
    graph = layout(campaign)
    accounts = len(campaign.accounts)
    parts = [
        Markup('<svg viewBox="0 0 {:.0f} {:.0f}" class="chart graph" role="img" aria-label="{}">').format(
            WIDTH, graph.height, _spoken(campaign, graph)
        ),
        *(_line(group, graph.spots[t], len(group.accounts) / accounts) for group in graph.groups for t in group.ties),
        *(_line(graph.groups[0], graph.spots[tie], None) for tie in graph.partly),
        *(_dots(group, graph.dot) if graph.one_by_one else _bubble(group) for group in graph.groups),
        *(_artifact(tie, spot) for tie, spot in zip(graph.ties, graph.spots, strict=True)),
    ]
    if graph.left_out:
        note = f"{plural(graph.left_out, 'account')} in smaller groups not drawn"
        parts.append(
            Markup('<text class="tick" x="{:.0f}" y="{:.0f}" text-anchor="middle">{}</text>').format(
                WIDTH / 2, graph.height - 4, note
            )
        )
    return Markup("").join([*parts, Markup("</svg>")])


def _spoken(campaign: Campaign, graph: Layout) -> str:
    most = graph.ties[0]
    return (
        f"Cluster graph: {plural(len(campaign.accounts), 'account')} tied by "
        f"{plural(len(campaign.ties), 'artifact')}, {len(graph.ties)} of them drawn; the most surprising is of kind "
        f"{printable(most.kind, 60)} and shared by {large(most.accounts_total)}"
    )


def _line(group: Group, spot: Spot, share: float | None) -> Markup:
    """A tie, as wide as the ``share`` of the campaign that holds it; dashed if not known account by account."""
    x, y = spot
    middle = (group.x + x) / 2
    return Markup(
        '<path class="tie{}" stroke-width="{:.1f}" d="M{:.1f} {:.1f}C{:.1f} {:.1f} {:.1f} {:.1f} {:.1f} {:.1f}"/>'
    ).format(
        " partly" if share is None else "",
        1.5 if share is None else 1 + 5 * share,
        *(group.x, group.y, middle, group.y, middle, y, x, y),
    )


def _dots(group: Group, dot: float) -> Markup:
    """Every account of a group, packed as the seeds of a sunflower are."""
    dots = []
    for number, account in enumerate(group.accounts):
        away = 1.4 * dot * math.sqrt(number + 0.5) if len(group.accounts) > 1 else 0.0
        dots.append(
            Markup('<circle class="account" cx="{:.1f}" cy="{:.1f}" r="{:.0f}"><title>{}</title></circle>').format(
                group.x + away * math.cos(number * GOLDEN),
                group.y + away * math.sin(number * GOLDEN),
                dot,
                printable(account, 80),
            )
        )
    return Markup("").join(dots)


def _bubble(group: Group) -> Markup:
    count = len(group.accounts)
    return Markup(
        '<g><title>{}</title><circle class="bubble" cx="{:.1f}" cy="{:.1f}" r="{:.1f}"/>'
        '<text class="inside" x="{:.1f}" y="{:.1f}">{}</text></g>'
    ).format(
        f"{plural(count, 'account')} that share the same {plural(len(group.ties), 'artifact')}",
        *(group.x, group.y, group.radius, group.x, group.y + 4),
        f"{count:,}" if count < 10 ** (group.radius // 5) else "",
    )


def _artifact(tie: Tie, spot: Spot) -> Markup:
    """A square with three lines beside it: the artifact's kind, its redacted value and how many share it."""
    x, y = spot
    side, anchor = (-12, "end") if x < WIDTH / 2 else (12, "start")
    shared = plural(tie.accounts_total, "account")
    shared += f" · {large(tie.accounts_elsewhere)} elsewhere" if tie.accounts_elsewhere else ""
    lines = (("name", printable(tie.kind, _LABEL)), ("", printable(tie.value, _LABEL)), ("tick", shared))
    label = Markup("").join(
        Markup('<text class="{}" x="{:.1f}" y="{:.1f}" text-anchor="{}">{}</text>').format(
            css, x + side, y - 10 + 14 * number, anchor, text
        )
        for number, (css, text) in enumerate(lines)
    )
    return Markup(
        '<g class="artifact"><title>{}</title><rect x="{:.1f}" y="{:.1f}" width="9" height="9" rx="1"/>{}</g>'
    ).format(
        f"{printable(tie.kind, 80)} {printable(tie.value, 200)}: {tie.bits:.1f} bits of surprise",
        *(x - 4.5, y - 4.5, label),
    )
