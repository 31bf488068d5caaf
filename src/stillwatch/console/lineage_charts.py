"""SVG of a lineage report: a claim's candidates against the controls' distribution, and the tree of models."""

import math
from collections.abc import Sequence

import numpy as np
from markupsafe import Markup

from stillwatch.console.words import plural, printable, stated
from stillwatch.lineage.calibration import hierarchical_p
from stillwatch.lineage.interface import Card, Claim, Role, Standing

WIDTH, LEFT, RIGHT = 880.0, 210.0, 24.0
_ROW, _MOST = 22.0, 24
_BINS, _TALL = 56, 58.0
_TICKS = (-50, -20, -10, -5, -2, 0, 2, 5, 10, 20, 50, 100, 200)
_Nodes = Sequence[tuple[str, int, int, float]]


def against_controls(claim: Claim, cards: Sequence[Card]) -> Markup:
    """Each candidate's score as a dot below a histogram of the controls' best scores, and where support begins.

    The axis is that of the inverse hyperbolic sine: even about 0 and compressed far out, where single kin lie.
    """
    shown = claim.standings[:_MOST]
    values = [*claim.null.values(), *(one.score for one in shown), 0.0, 1.0]
    edge = threshold(claim, cards)
    values += [edge] if edge is not None else []
    low, high = math.asinh(min(values)), math.asinh(max(values))
    scale = (WIDTH - LEFT - RIGHT) / (high - low)

    def x(value: float) -> float:
        return LEFT + (math.asinh(value) - low) * scale

    base, tall = 20 + _TALL, 20 + _TALL + 24 + _ROW * len(shown) + 34
    floor = tall - 34
    parts = [
        Markup('<svg viewBox="0 0 {} {:.0f}" class="chart" role="img" aria-label="{}">').format(
            round(WIDTH), tall, _spoken(claim, edge)
        ),
        Markup('<text class="axis" x="0" y="{:.1f}">controls, the best of each</text>').format(base - 4),
    ]
    if edge is not None:
        parts += _zone(x(edge), floor, claim.alpha)
    parts += [_tick(value, x(value), floor) for value in _TICKS if low <= math.asinh(value) <= high]
    parts += _histogram({name: x(value) for name, value in claim.null.items()}, claim.null, base)
    parts.append(Markup('<path class="base" d="M{:.1f} {:.1f}H{:.1f}"/>').format(LEFT, base, WIDTH - RIGHT + 12))
    parts += [
        _dot(one, x(one.score), base + 22 + _ROW * row, one.p_value <= claim.alpha) for row, one in enumerate(shown)
    ]
    parts.append(
        Markup('<text class="tick" x="{}" y="{:.1f}">score, in standard deviations of the controls</text>').format(
            round(LEFT), floor + 31
        )
    )
    return Markup("").join([*parts, Markup("</svg>")])


def _zone(edge: float, floor: float, alpha: float) -> list[Markup]:
    """Where a claim is supported: all that is right of ``edge``."""
    right = WIDTH - RIGHT + 12
    return [
        Markup('<rect class="zone" x="{0:.1f}" y="20" width="{1:.1f}" height="{2:.1f}"/>').format(
            edge, right - edge, floor - 20
        ),
        Markup('<text class="tick" x="{:.1f}" y="14" text-anchor="{}">p ≤ {:.3g} from here on</text>').format(
            min(edge, right), "end" if edge > WIDTH - 190 else "start", alpha
        ),
    ]


def _tick(value: int, x: float, floor: float) -> Markup:
    return Markup(
        '<path class="grid" d="M{0:.1f} 20V{1:.1f}"/>'
        '<text class="tick" x="{0:.1f}" y="{2:.1f}" text-anchor="middle">{3}</text>'
    ).format(x, floor, floor + 15, f"{value}".replace("-", "−"))


def _dot(one: Standing, x: float, y: float, supported: bool) -> Markup:
    """A candidate's row: its name, a line, and its score as a dot that is filled where a claim is supported."""
    return Markup(
        '<g><title>{0}: {1:.2f}, {2}</title><text x="0" y="{3:.1f}">{4}</text>'
        '<path class="grid" d="M{5} {6:.1f}H{7}"/><circle class="{8}" cx="{9:.1f}" cy="{6:.1f}" r="5"/></g>'
    ).format(
        printable(one.candidate, 80), one.score, stated("p", one.p_value), y + 4, printable(one.candidate, 28),
        round(LEFT), y, round(WIDTH - RIGHT + 12), "bar" if supported else "hollow", x,
    )  # fmt: skip


def threshold(claim: Claim, cards: Sequence[Card]) -> float | None:
    """The lowest of the controls' scores beyond which a candidate's p-value is at most alpha; None if none is."""
    families = {card.name: card.family for card in cards}
    null = np.array(list(claim.null.values()))
    own = [families.get(name, name) for name in claim.null]
    for value in sorted(claim.null.values()):
        if hierarchical_p(math.nextafter(value, math.inf), null, own) <= claim.alpha:
            return value
    return None


def _spoken(claim: Claim, edge: float | None) -> str:
    """The chart in words."""
    best, null = claim.standings[0], sorted(claim.null.values())
    said = f"{claim.kind}: {plural(len(claim.standings), 'candidate')} against {plural(len(null), 'control')}. "
    said += f"Highest is {printable(best.candidate, 80)} with {best.score:.2f}"
    if null:
        said += f"; controls lie from {null[0]:.2f} to {null[-1]:.2f}, half of them below {null[len(null) // 2]:.2f}"
    return said + (f"; a claim is supported beyond {edge:.2f}." if edge is not None else "; none can be supported.")


def _histogram(places: dict[str, float], values: dict[str, float], base: float) -> list[Markup]:
    """Columns of controls, each with its names."""
    width = (WIDTH - LEFT - RIGHT) / _BINS
    bins: dict[int, list[str]] = {}
    for name, place in places.items():
        bins.setdefault(min(int((place - LEFT) / width), _BINS - 1), []).append(name)
    full = max((len(names) for names in bins.values()), default=1)
    found = []
    for at, names in sorted(bins.items()):
        title = ", ".join(f"{printable(name, 40)} {values[name]:.2f}" for name in sorted(names)[:12])
        tall = max((_TALL - 8) * len(names) / full, 3)
        found.append(
            Markup(
                '<g><title>{}{}</title><rect class="control" x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}"/></g>'
            ).format(title, " …" if len(names) > 12 else "", LEFT + at * width, base - tall, width - 1, tall)
        )
    return found


def tree(nodes: _Nodes, cards: Sequence[Card]) -> Markup:
    """Average-linkage tree, leaves on the right, candidates marked and the suspect's line drawn through."""
    order = _leaves(nodes)
    step, right = 15.0, WIDTH - 260
    y = {leaf: 22.5 + step * row for row, leaf in enumerate(order)}
    highest = max((node[3] for node in nodes), default=0.0) or 1.0
    roles = {card.name: card.role for card in cards}
    own = {at for at in order if roles[nodes[at][0]] is Role.SUSPECT}
    x = dict.fromkeys(order, right)
    parts, last = [], []
    for at in range(len(order), len(nodes)):
        _, one, other, height = nodes[at]
        x[at] = round(right - (right - 8) * height / highest) + 0.5
        y[at] = round((y[one] + y[other]) / 2) + 0.5
        path = Markup('<path class="base" d="M{:.1f} {:.1f}H{:.1f}V{:.1f}H{:.1f}"/>')
        parts.append(path.format(x[one], y[one], x[at], y[other], x[other]))
        for child in (one, other):
            if child in own:
                own.add(at)
                line = Markup('<path class="own" d="M{:.1f} {:.1f}H{:.1f}V{:.1f}"/>')
                last.append(line.format(x[child], y[child], x[at], y[at]))
    head = Markup('<svg viewBox="0 0 {} {:.0f}" class="chart" role="img" aria-label="{}">').format(
        round(WIDTH),
        28 + step * len(order),
        f"Tree of {plural(len(order), 'model')}{_beside(nodes, cards)}",
    )
    more = Markup('<text class="tick" x="{:.1f}" y="10" text-anchor="end">more alike →</text>').format(right)
    for leaf in order:
        name = nodes[leaf][0]
        css = {Role.SUSPECT: "axis suspect", Role.CANDIDATE: "axis"}.get(roles[name], "tick")
        sign = {Role.SUSPECT: "● ", Role.CANDIDATE: "○ "}.get(roles[name], "")
        last.append(
            Markup('<text class="{}" x="{:.1f}" y="{:.1f}">{}</text>').format(
                css, right + 6, y[leaf] + 4, sign + printable(name, 40)
            )
        )
    return Markup("").join([head, more, *parts, *last, Markup("</svg>")])


def _beside(nodes: _Nodes, cards: Sequence[Card]) -> str:
    """Who the suspect is joined with first, in words."""
    suspect = cards[0].name
    for _, *children, _ in nodes:
        for mine, theirs in (children, children[::-1]):
            if mine >= 0 and nodes[mine][0] == suspect:
                names = [nodes[leaf][0] for leaf in _leaves(nodes[: theirs + 1])]
                return f"; the suspect is joined first with {', '.join(printable(name, 40) for name in names[:6])}"
    return ""


def _leaves(nodes: _Nodes) -> list[int]:
    """Leaves in the order in which the tree draws without crossings."""
    found, stack = [], [len(nodes) - 1] if nodes else []
    while stack:
        at = stack.pop()
        _, one, other, _ = nodes[at]
        if one < 0:
            found.append(at)
        else:
            stack += [other, one]
    return found
