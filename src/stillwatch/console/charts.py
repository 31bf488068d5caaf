"""Small SVG charts without a library: the timeline of a campaign and the bar of a p-value.

Every chart is inline SVG styled by classes of ``report.css`` (so that it follows light, dark and print), names itself
for a screen reader, and is the same text for the same numbers. Coordinates are rounded to a tenth of a pixel.
"""

import math
from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import pairwise

from markupsafe import Markup

from stillwatch.console.words import MONTHS, large, minute, p_value, plural, span, utc

Bin = tuple[datetime, int, int]  # start, requests, accounts active

WIDTH, LEFT, RIGHT = 880.0, 56.0, 8.0
BARS = 220  # at most so many bars; more bins than this are merged
_HOURS = (1, 2, 3, 6, 12, 24, 48, 168, 336, 720, 2160, 8760)


def merged(timeline: Sequence[Bin], most: int = BARS) -> tuple[list[Bin], timedelta]:
    """``timeline`` in at most ``most`` bins of equal length, and that length.

    Requests of merged bins add up; accounts active become the largest of any one of them, because the same account
    may be active in several. Empty bins are left out.
    """
    bins = sorted((utc(start), requests, accounts) for start, requests, accounts in timeline)
    if len(bins) < 2:
        return bins, timedelta(hours=1)
    start = bins[0][0]
    step = min(later[0] - earlier[0] for earlier, later in pairwise(bins)) or timedelta(seconds=1)
    together = math.ceil(((bins[-1][0] - start) / step + 1) / most)
    totals: dict[int, tuple[int, int]] = {}
    for at, requests, accounts in bins:
        index = int((at - start) / step) // together
        before = totals.get(index, (0, 0))
        totals[index] = (before[0] + requests, max(before[1], accounts))
    step *= together
    return [(start + index * step, *total) for index, total in totals.items()], step


def timeline(bins: Sequence[Bin], name: str) -> Markup:
    """Requests a bin as columns, over accounts active as steps, on one time axis. ``name`` says whose it is."""
    bins, step = merged(bins)
    if not bins:
        return Markup("")
    start, end = bins[0][0], bins[-1][0] + step
    scale = (WIDTH - LEFT - RIGHT) / ((end - start) / step)

    def x(at: datetime) -> float:
        return LEFT + (at - start) / step * scale

    parts = [
        Markup('<svg viewBox="0 0 {} 252" class="chart timeline" role="img" aria-label="{}">').format(
            round(WIDTH), f"Timeline of {name}: {_spoken(bins, step)}"
        ),
        *_panel(f"Requests per {span(step).removeprefix('1 ')}", max(b[1] for b in bins), top=24, height=120),
        *_panel("Accounts active", max(b[2] for b in bins), top=182, height=44),
    ]
    for at in _ticks(start, end):
        label = f"{at:%H:%M}" if at.hour or at.minute else f"{at.day} {MONTHS[at.month - 1][:3]}"
        middle = min(x(at), WIDTH - 20)  # a label at the very end would be cut
        parts.append(
            Markup('<text class="tick" x="{:.1f}" y="246" text-anchor="middle">{}</text>').format(middle, label)
        )
        parts.append(Markup('<path class="grid" d="M{0:.1f} 24V144M{0:.1f} 182V230"/>').format(x(at)))
    columns, steps = _ceiling(max(b[1] for b in bins)), _ceiling(max(b[2] for b in bins))
    gap = 1 if scale > 3 else 0
    for at, requests, accounts in bins:
        title = f"{minute(at)} UTC, {span(step)}: {plural(requests, 'request')}, {plural(accounts, 'account')} active"
        parts.append(Markup("<g><title>{}</title>").format(title))
        for css, value, full, top, height in (("bar", requests, columns, 24, 120), ("step", accounts, steps, 182, 44)):
            tall = height * value / full
            parts.append(
                Markup('<rect class="{}" x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}"/>').format(
                    css, x(at), top + height - tall, max(scale - gap, 0.6), tall
                )
            )
        parts.append(Markup("</g>"))
    return Markup("").join([*parts, Markup("</svg>")])


def _spoken(bins: Sequence[Bin], step: timedelta) -> str:
    busiest = max(bins, key=lambda b: b[1])
    return (
        f"{large(sum(b[1] for b in bins))} requests from {minute(bins[0][0])} to {minute(bins[-1][0] + step)} UTC, "
        f"most of them ({large(busiest[1])} in {span(step)}) from {minute(busiest[0])}"
    )


def _panel(label: str, highest: int, top: float, height: float) -> list[Markup]:
    """A panel's name, its base line and two lines of a grid with their values."""
    full = _ceiling(highest)
    parts = [Markup('<text class="axis" x="0" y="{}">{}</text>').format(top - 10, label)]
    for share in (0.0, 0.5, 1.0) if full > 1 else (0.0, 1.0):
        y = top + height * (1 - share)
        line = "base" if share == 0 else "grid"
        parts.append(Markup('<path class="{}" d="M{} {:.1f}H{}"/>').format(line, LEFT, y, WIDTH - RIGHT))
        parts.append(
            Markup('<text class="tick" x="{}" y="{:.1f}" text-anchor="end">{}</text>').format(
                LEFT - 8, y + 4, _short(full * share)
            )
        )
    return parts


def _ceiling(value: int) -> int:
    """The smallest of 1, 2, 4, 6, 8, 10, 20, 40 ... that is not below ``value``."""
    power = int("1" + "0" * (len(str(max(value, 1))) - 1))
    return next((power * digit for digit in (1, 2, 4, 6, 8) if power * digit >= value), 10 * power)


def _short(value: float) -> str:
    """``1.5 k``, ``20 k``, ``3 M``."""
    for scale, unit in ((10**9, " G"), (10**6, " M"), (10**3, " k")):
        if value >= scale:
            return f"{value / scale:.3g}{unit}"
    return f"{value:.3g}"


def _ticks(start: datetime, end: datetime, most: int = 9) -> list[datetime]:
    """Round times between ``start`` and ``end``, at most ``most``."""
    hours = (end - start) / timedelta(hours=1)
    every = timedelta(hours=next((h for h in _HOURS if hours / h <= most), _HOURS[-1]))
    epoch = datetime(1970, 1, 5, tzinfo=start.tzinfo)  # a Monday, so that weeks start on one
    first = epoch + math.ceil((start - epoch) / every) * every
    return [first + index * every for index in range(math.floor((end - first) / every) + 1)] if first <= end else []


def strength(p: float, strongest: float = 20.0) -> Markup:
    """A p-value as a bar of its decimal zeros, full at 10 to the minus ``strongest``."""
    zeros = -math.log10(max(p, 1e-300)) if math.isfinite(p) else 0.0
    width = 88 * max(0.0, min(zeros / strongest, 1.0))
    return Markup(
        '<svg viewBox="0 0 88 6" class="strength" role="img" aria-label="p-value {}">'
        '<rect class="rail" width="88" height="6" rx="1"/><rect class="bar" width="{:.1f}" height="6" rx="1"/></svg>'
    ).format(p_value(p), width)
