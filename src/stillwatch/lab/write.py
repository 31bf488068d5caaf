"""Generate a scenario into a directory: requests, accounts, the authorised programmes, and the truth."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from stillwatch.errors import UsageError
from stillwatch.lab import accounts
from stillwatch.lab.accounts import DAY
from stillwatch.lab.arrivals import arrivals
from stillwatch.lab.corpora import CorpusSource
from stillwatch.lab.grammar import Grammar
from stillwatch.lab.infrastructure import Internet
from stillwatch.lab.keyed import uniform, word
from stillwatch.lab.prompts import GrammarSource, Source
from stillwatch.lab.requests import Scene, Slice
from stillwatch.lab.scenario import scenario
from stillwatch.lab.truth import Truth
from stillwatch.schema.requests import REQUESTS, SIMULATED

_SLICE = 131_072  # requests rendered at once
_FILE = 4_194_304  # requests a file
_MONDAY = datetime(2026, 1, 5, tzinfo=UTC)
_PLAIN = ["request_id", "session_id", "prompt", "response", "timestamp", "reasoning_issued", "reasoning_replayed"]


@dataclass(frozen=True, slots=True)
class Order:
    """What to generate.

    Attributes:
        scenario: name of a scenario.
        out: directory to write to; it is made, and must not hold another log.
        requests: number of requests, None for the scenario's own.
        seed: of everything; equal orders give equal files.
        days: length of the log, None for the scenario's own.
        share: of the requests that campaigns send, None for the scenario's own.
        evade: evasion knobs of the campaigns, name to degree.
        corpora: directory of public prompts to draw from instead of the lab's grammar.
        responses: fill in answers, else they are null.
        lead: days of ordinary traffic before any campaign begins.
        before: the log ends in the week before this moment; None lets it begin when the seed says.
    """

    scenario: str
    out: Path
    requests: int | None = None
    seed: int = 0
    days: float | None = None
    share: float | None = None
    evade: Mapping[str, float] = field(default_factory=dict)
    corpora: Path | None = None
    responses: bool = False
    lead: float = 0.0
    before: datetime | None = None


@dataclass(frozen=True, slots=True)
class Written:
    """What was generated: counts, the moment the new model was released, and where the log is."""

    requests: int
    accounts: int
    first: datetime
    last: datetime
    release: datetime
    out: Path


def _check(order: Order) -> None:
    if order.requests is not None and order.requests < 1:
        raise UsageError("a log needs at least one request", where="--requests")
    if order.days is not None and not 1 / 24 <= order.days <= 366:
        raise UsageError("a log is between an hour and 366 days long", where="--days")
    if not 0 <= order.lead < (order.days or scenario(order.scenario).days):
        raise UsageError("the log is longer than what leads to the campaigns", where="--lead")
    if order.share is not None and not 0 < order.share < 1:
        raise UsageError("the campaigns' share lies between 0 and 1", where="--share")
    if (order.out / "requests").exists() and any((order.out / "requests").iterdir()):
        raise UsageError("the directory already holds a log", where=str(order.out), do="Choose another --out")


def _moment(microseconds: int) -> datetime:
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=microseconds)


def generate(order: Order, progress: Callable[[int, int], None] | None = None) -> Written:
    """Write the log and its truth.

    Args:
        order: what to generate.
        progress: called with the requests written so far and in all.

    Raises:
        UsageError: an unknown scenario or knob, numbers out of bounds, an output directory in use.
        InputError: ``corpora`` lacks a file.
    """
    _check(order)
    play = scenario(order.scenario)
    requests, days = order.requests or play.requests, order.days or play.days
    groups, seed = play.groups(order.evade, order.share, order.lead / days), word(f"{order.seed}")
    start = _start(order, days)
    release = start + int((0.35 + 0.15 * uniform(seed, "release")[0]) * days * DAY)
    internet, grammar = Internet(seed), Grammar(seed)
    source: Source = GrammarSource(grammar)
    if order.corpora is not None:
        source = CorpusSource(grammar, order.corpora)
    people = accounts.cast(groups, internet, requests=requests, seed=seed, start=start, days=days, release=release)
    events = arrivals(people, seed=seed, start=start, days=days)
    scene = Scene(seed, people, events, internet, grammar, source, release, order.responses)
    truth = Truth(order.out, people, {**order.evade})
    _requests(order, scene, truth, progress)
    known = accounts.table(people, internet, seed=seed).replace_schema_metadata(SIMULATED)
    pq.write_table(known, order.out / "accounts.parquet", compression="zstd")
    truth.close(_moment(start + int((days + 180) * DAY)))
    first, last = (_moment(int(events.time[i])) for i in (0, -1))
    return Written(len(events), len(people.key), first, last, _moment(release), order.out)


def _start(order: Order, days: float) -> int:
    """Microseconds at which the log begins: a Monday that the seed chooses, or the last that lets it end in time."""
    monday, week = _MONDAY + timedelta(weeks=order.seed % 40), timedelta(weeks=1)
    if order.before is not None:
        monday += (order.before - monday - timedelta(days=days)) // week * week
    return int(monday.timestamp()) * 1_000_000


def _requests(order: Order, scene: Scene, truth: Truth, progress: Callable[[int, int], None] | None) -> None:
    """The request files, slice by slice."""
    folder, total = order.out / "requests", len(scene.events)
    folder.mkdir(parents=True, exist_ok=True)
    schema = REQUESTS.with_metadata(SIMULATED)
    dictionary: Any = [name for name in REQUESTS.names if name not in _PLAIN]
    for number, opening in enumerate(range(0, total, _FILE)):
        path = folder / f"part-{number:04d}.parquet"
        with pq.ParquetWriter(path, schema, compression="zstd", use_dictionary=dictionary) as writer:
            for at in range(opening, min(opening + _FILE, total), _SLICE):
                part = slice(at, min(at + _SLICE, opening + _FILE, total))
                drawn = Slice(scene, part)
                batch = drawn.batch()
                writer.write_table(pa.Table.from_batches([batch]))
                truth.take(batch["request_id"], drawn.talk)
                if progress is not None:
                    progress(part.stop, total)
