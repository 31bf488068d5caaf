"""SVG of a lineage report: a claim's candidates against the controls' distribution, and the tree of models."""

from collections.abc import Mapping, Sequence

from markupsafe import Markup

from stillwatch.console.words import printable
from stillwatch.lineage.interface import Card, Claim, Role

WIDTH, LEFT = 880.0, 200.0
_ROW, _MOST = 22.0, 24
_Nodes = Sequence[tuple[str, int, int, float]]


def against_controls(claim: Claim) -> Markup:
    """Each candidate's score as a dot, over a tick for every control's best score."""
    shown = claim.standings[:_MOST]
    values = [*claim.null.values(), *(one.score for one in shown)]
    low, high = min([*values, 0.0]), max([*values, 1.0])
    scale = (WIDTH - LEFT - 16) / max(high - low, 1e-9)

    def x(value: float) -> float:
        return LEFT + (value - low) * scale

    tall = 46 + _ROW * len(shown)
    parts = [
        Markup('<svg viewBox="0 0 {} {:.0f}" class="chart" role="img" aria-label="{}">').format(
            round(WIDTH), tall, f"{len(shown)} candidates against {len(claim.null)} controls: {claim.kind}"
        ),
        Markup('<text class="axis" x="0" y="18">controls, the best of each</text>'),
    ]
    for name, value in sorted(claim.null.items(), key=lambda item: (item[1], item[0])):
        parts.append(
            Markup('<g><title>{}: {:.2f}</title><path class="base" d="M{:.1f} 6V22"/></g>').format(
                printable(name, 80), value, x(value)
            )
        )
    parts.append(Markup('<path class="grid" d="M{:.1f} 22V{:.1f}"/>').format(x(0.0), tall - 18))
    for row, one in enumerate(shown):
        y = 42 + _ROW * row
        parts.append(
            Markup(
                '<g><title>{0}: {1:.2f}, p = {2:.3g}</title><text x="0" y="{3:.1f}">{4}</text>'
                '<path class="grid" d="M{5} {6:.1f}H{7}"/><circle class="{8}" cx="{9:.1f}" cy="{6:.1f}" r="5"/></g>'
            ).format(
                printable(one.candidate, 80), one.score, one.p_value, y + 4, printable(one.candidate, 28),
                round(LEFT), y, round(WIDTH - 16), "bar" if one.p_value <= claim.alpha else "step", x(one.score),
            )
        )  # fmt: skip
    parts.append(
        Markup('<text class="tick" x="{:.1f}" y="{:.1f}" text-anchor="middle">0</text>').format(x(0.0), tall - 4)
    )
    return Markup("").join([*parts, Markup("</svg>")])


def tree(nodes: _Nodes, cards: Sequence[Card]) -> Markup:
    """Average-linkage tree, leaves on the right, the suspect and candidates marked."""
    order = _leaves(nodes)
    step, right = 15.0, WIDTH - 260
    y = {leaf: 12 + step * row for row, leaf in enumerate(order)}
    highest = max((node[3] for node in nodes), default=0.0) or 1.0
    roles: Mapping[str, Role] = {card.name: card.role for card in cards}
    x = dict.fromkeys(order, right)
    parts = [
        Markup('<svg viewBox="0 0 {} {:.0f}" class="chart" role="img" aria-label="{}">').format(
            round(WIDTH), 16 + step * len(order), f"Tree of {len(order)} models by likeness"
        )
    ]
    for at in range(len(order), len(nodes)):
        _, one, other, height = nodes[at]
        x[at] = right - (right - 8) * height / highest
        y[at] = (y[one] + y[other]) / 2
        parts.append(
            Markup('<path class="base" d="M{:.1f} {:.1f}H{:.1f}V{:.1f}H{:.1f}"/>').format(
                x[one], y[one], x[at], y[other], x[other]
            )
        )
    for leaf in order:
        name = nodes[leaf][0]
        css = {Role.SUSPECT: "axis", Role.CANDIDATE: "axis"}.get(roles[name], "tick")
        sign = {Role.SUSPECT: "● ", Role.CANDIDATE: "○ "}.get(roles[name], "")
        parts.append(
            Markup('<text class="{}" x="{:.1f}" y="{:.1f}">{}</text>').format(
                css, right + 6, y[leaf] + 4, sign + printable(name, 40)
            )
        )
    return Markup("").join([*parts, Markup("</svg>")])


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
