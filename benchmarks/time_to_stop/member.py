"""One member's way through its log; a module of its own, as processes that are spawned know nothing of a main one."""

from collections.abc import Mapping
from pathlib import Path

from benchmarks.time_to_stop.replay import Replay, Replayed, read_traffic
from stillwatch.indicators.files import objects_in, read_json
from stillwatch.schema.stix import Object

#: Requests of each campaign as published (docs/concepts.md has the sources); None where none were.
PUBLISHED: Mapping[str, int | None] = {
    "deepseek_2026": 150_000, "moonshot_2026": 3_400_000, "minimax_2026": 13_000_000, "google_traces_2026": 100_000,
    "alibaba_2026": 28_800_000, "alibaba_second_pool_2026": 151_000_000, "zhipu_2026": 3_400_000,
    "moonshot_replay_2026": 16_000, "alpaca_2023": None,
}  # fmt: skip
FIRST, SECOND = "first", "second"


def replay(folder: Path, member: str, window: int, began: dict[str, int], warned: dict[str, int]) -> Replayed:
    """Go through a member's log, where campaigns begin at ``began`` at the earliest, warned from a moment on."""
    traffic = read_traffic(folder / member, folder / "day" / "truth")
    if member == SECOND:
        traffic = traffic.without(began)
    names = [name for name in PUBLISHED if name in set(traffic.campaign_of.values())]
    known = {name: (at, _indicators(folder / "minted" / f"{name}.json")) for name, at in warned.items()}
    return Replay(traffic, names, window, known).run(folder / "minted" if member == FIRST else None)


def _indicators(path: Path) -> tuple[Object, ...]:
    return tuple(objects_in(read_json(path), str(path))) if path.exists() else ()
