"""The tables of docs/benchmarks-forum.md."""

from collections.abc import Sequence

from benchmarks.forum.conformance import Found
from benchmarks.forum.exchange import Exchanged
from benchmarks.forum.reckoning import Outcome
from benchmarks.forum.throughput import Speed
from benchmarks.forum.walk import WAYS, Walk
from benchmarks.markdown import table


def conformance_table(found: Sequence[Found]) -> str:
    """How many demands each server fulfils, and then a line for each that one does not."""
    servers = list(dict.fromkeys(each.server for each in found))
    by_demand: dict[tuple[str, str], dict[str, str]] = {}
    for each in found:
        by_demand.setdefault((each.section, each.demand), {})[each.server] = each.failure
    kept = [str(sum(not told[server] for told in by_demand.values())) for server in servers]
    rows = [["", f"of {len(by_demand)} demands", *kept]]
    for (section, demand), told in sorted(by_demand.items()):
        if any(told.values()):
            rows.append([section, demand, *(told[server].replace("|", "/") or "yes" for server in servers)])
    return table(["section", "demand", *servers], rows)


def walks_table(walks: Sequence[Walk]) -> str:
    """A line for each server and way of walking; the page sizes side by side."""
    sizes = sorted({walk.size for walk in walks})
    rows = []
    for server in dict.fromkeys(walk.server for walk in walks):
        for way in WAYS:
            found = {walk.size: walk for walk in walks if (walk.server, walk.way) == (server, way)}
            rows.append([server, way, *(_fault(found[size]) for size in sizes)])
    return table(["server", "read", *(f"pages of {size}" for size in sizes)], rows)


def _fault(walk: Walk) -> str:
    told = [
        f"{count} {what}"
        for count, what in ((walk.missed, "missed"), (walk.repeated, "repeated"), (walk.changed, "changed"))
        if count
    ]
    return ", ".join([*told, *([walk.ended] if walk.ended else [])]) or f"all {walk.objects}"


def exchange_table(found: Sequence[Exchanged]) -> str:
    """A line a server."""
    header = ["server", "sent", "accepted", "fetched", "of them changed", "new in a second fetch", "pages"]
    rows = []
    for each in found:
        figures = (each.sent, each.accepted, each.fetched, each.changed, each.again, each.pages)
        rows.append([each.server, *(f"{figure:,}" for figure in figures)])
    return table(header, rows)


def speeds_table(speeds: Sequence[Speed], ours: Sequence[str]) -> str:
    """A line a server and size; ratios are ours (``ours``, each in a column) to that server, at the same size."""
    header = ["server", "objects", "clients", "push, objects/s", "pull, objects/s", "processor, µs an object: push"]
    header += ["pull", "peak memory, MB", "load before", *(f"{name}: push, pull" for name in ours)]
    by_name = {(speed.server, speed.objects, speed.clients): speed for speed in speeds}
    rows = []
    for speed in speeds:
        row = [speed.server, f"{speed.objects:,}", str(speed.clients), f"{speed.push:,.0f}", _number(speed.pull)]
        row += [f"{speed.push_processor:,.0f}", _number(speed.pull_processor), f"{speed.peak / 1e6:,.0f}"]
        row += [f"{speed.load:.1f}"]
        for name in ours:
            row.append(_ratios(by_name.get((name, speed.objects, speed.clients)), speed))
        rows.append(row)
    return table(header, rows)


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:,.0f}"


def _ratios(ours: Speed | None, other: Speed) -> str:
    """How many times as fast ``ours`` takes objects in, and gives them out where that was measured of both."""
    if ours is None or ours == other:
        return "-"
    told = f"{ours.push / other.push:.1f} x"
    return f"{told}, {ours.pull / other.pull:.1f} x" if ours.pull and other.pull else told


def chaos_table(outcome: Outcome) -> str:
    """What was done, and what came of it."""
    faults = ", ".join(f"{count} x {kind}" for kind, count in sorted(outcome.faults.items()))
    rows = [
        ["faults", f"{sum(outcome.faults.values())}: {faults}"],
        ["connections cut", f"{outcome.cut:,}"],
        ["objects submitted", f"{outcome.objects:,}"],
        ["lost", str(outcome.lost)],
        ["repeated", str(outcome.repeated)],
        ["foreign or changed", str(outcome.foreign)],
        ["out of order", str(outcome.disordered)],
        ["not accepted", str(outcome.refused)],
        ["skipped by a reader's pages", str(outcome.skipped)],
        ["given again, as the reader had not kept them", f"{outcome.again:,}"],
        ["not in the log as they are", str(outcome.unlogged)],
        ["audit of the log", outcome.audit or f"passed, and it continues {outcome.known} checkpoints seen under way"],
        ["seconds, load before", f"{outcome.seconds:,.0f}, {outcome.load:.1f}"],
    ]
    return table(["three members, PostgreSQL", ""], rows)
