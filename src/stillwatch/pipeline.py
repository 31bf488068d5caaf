"""The batch path: a log in, findings out. Read it from top to bottom."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import perf_counter

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from stillwatch import __version__
from stillwatch.campaigns import Calibration, Programme
from stillwatch.campaigns.assess import assess
from stillwatch.campaigns.belonging import save_belonging
from stillwatch.campaigns.calibration import Basis, basis, by_family
from stillwatch.campaigns.compose import count
from stillwatch.campaigns.conclude import Conclusion, Ground, conclude
from stillwatch.campaigns.coverage import Standing, covering, naming_nobody, parted, uncovered
from stillwatch.campaigns.customers import customers, declared
from stillwatch.campaigns.fingerprints import with_fingerprints
from stillwatch.campaigns.hypotheses import Hypotheses
from stillwatch.campaigns.looks import Looks
from stillwatch.campaigns.mixture import learn
from stillwatch.campaigns.readable import readable
from stillwatch.campaigns.reference import natural_groups, references
from stillwatch.campaigns.skeletons import family_id, with_skeletons
from stillwatch.engine import Engine
from stillwatch.errors import InputError
from stillwatch.indicators import Matched, looked_at, match, traits_needed
from stillwatch.links import Linked, build, find_clusters, put_forward
from stillwatch.links.seeds import COMMON, SMALLEST
from stillwatch.schema.campaign import Campaign, Findings
from stillwatch.schema.evidence import TRAITS, Activity, Family, Reading
from stillwatch.schema.graph import Incidence, Named
from stillwatch.schema.prints import PRINTS
from stillwatch.schema.requests import REQUESTS
from stillwatch.schema.stix import Object, of_drill
from stillwatch.signals import CLUSTER_SIGNALS, TRAIT_SIGNALS, tally
from stillwatch.signals.activities import activities
from stillwatch.signals.gather import Traits, gather, missing
from stillwatch.signals.prints import take_prints
from stillwatch.signals.templates import find_templates
from stillwatch.stats.threads import each as in_threads
from stillwatch.text.families import Families

#: Requests of one cluster, and of all other accounts, that the cluster tests look at; whole accounts, in random order.
CLUSTER_REQUESTS, REST_REQUESTS = 300_000, 200_000
#: Clusters that their traits alone leave more innocent than this are not tested further; tests could not accuse them.
PLAUSIBLE = 0.2
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
#: Phrases of the language, which make no template, that are told one by one.
PHRASES_TOLD = 10


@dataclass(frozen=True, slots=True)
class Log:
    """A canonical log: Parquet files, and which columns have values (``requests.x`` and ``accounts.y``).

    ``printed``: the files have fingerprints taken from their own texts (``signals.prints.completed``).
    """

    requests: Sequence[Path]
    accounts: pa.Table
    fields: frozenset[str]
    rejects: int = 0
    inputs: tuple[str, ...] = ()
    simulated: bool = False
    printed: bool = False


@dataclass(frozen=True, slots=True)
class Options:
    """What the operator decides.

    ``indicators`` are those of other members, made without this log. Whom one is true of is put forward to be tested on
    the evidence of this log alone; an indicator is no evidence, and saves no more than the cost of looking
    (``campaigns.naming``).
    """

    fdr: float = 0.01
    seed: int = 0
    programmes: tuple[Programme, ...] = ()
    calibration: Calibration | None = None
    indicators: tuple[Object, ...] = ()
    progress: Callable[[str], None] = field(default=lambda stage: None)


def detect(log: Log, engine: Engine, options: Options, out: Path, looks: Looks | None = None) -> Findings:
    """Find the campaigns in ``log``; write ``accounts.parquet`` and ``requests.parquet`` to the folder ``out``.

    ``looks`` are earlier ones over the same growing log, to which this one is added.

    Raises:
        EngineError: a query failed, for want of memory or disk most often.
    """
    watch = _Watch(options.progress)
    families, traits, graph, linked = _link(log, engine, options.seed, watch, bool(options.indicators))
    with watch("indicators"):
        named = _named(log, engine, options.indicators, traits, graph)
        linked = put_forward(graph, linked, named) if named else linked
    with watch("programmes"):
        linked, standing, unknown = _looked_up(engine, log, graph, linked, options.programmes)
        traits = replace(traits, abstained=(*traits.abstained, *unknown))
    with watch("natural groups"):
        against = basis(options.calibration, graph.kinds, sum(map(len, graph.accounts)), _span(engine)[1])
        silent = against.silent if against.groups else frozenset()
        hypotheses = Hypotheses(
            graph, linked.held, linked.order, linked.clusters, named, against.groups, silent, options.fdr
        )
        suspect = hypotheses.tried([()] * len(linked.clusters)).plausible(PLAUSIBLE)
    with watch("cluster tests"):
        samples, rest = _samples(engine, graph, linked, suspect)
        samples = [uncovered(sample, standing[i].ends) for i, sample in zip(suspect, samples, strict=True)]
        read = {i: _read(sample, rest, log.fields, options.seed) for i, sample in zip(suspect, samples, strict=True)}
        readings = [read.get(i, ()) for i in range(len(linked.clusters))]
        tried = hypotheses.tried(readings)
        if looks is not None:
            tried = tried.over(looks, _microseconds(_span(engine)[1]), graph)
        ranks = _ranks(graph, linked, readings, against, options.fdr)
    with watch("requests"):
        mixtures = dict(zip(suspect, in_threads(lambda sample: learn(sample, rest), samples), strict=True))
        groups = [_accounts(graph, cluster.actors) for cluster in linked.clusters]
        ends = {account: end for each in standing for account, end in each.ends.items()}
        save_belonging(engine, groups, [mixtures.get(i) for i in range(len(groups))], rest.models, ends)
        counts = count(engine)
    with watch("findings"):
        conclusion = conclude(
            tried.concluded(graph),
            Ground(
                graph, linked.held, counts, _cues(rest), log.accounts, standing, against.among, ranks, options.fdr,
                traits.abstained, named,
            ),
        )  # fmt: skip
        findings = _findings(log, engine, options, conclusion, graph, linked, families, traits, against, watch.seconds)
        if "requests.prompt" in log.fields:  # fingerprints carried by a log may be keyed, and then nobody else's match
            findings = replace(findings, campaigns=with_fingerprints(engine, findings.campaigns, families))
        write_requests(engine, findings, out / "requests.parquet")
        pq.write_table(accounts_table(findings, graph), out / "accounts.parquet", compression="zstd")
        return findings


def calibrate(log: Log, engine: Engine, seed: int, simulated: bool) -> Calibration:
    """Measure the natural groups of ``log``, a period without campaigns; clusters in it are natural groups too."""
    _, _, graph, linked = _link(log, engine, seed, _Watch(lambda stage: None), rows=False)
    groups = natural_groups(graph, linked.held, linked.order, ())
    first, last = _span(engine)
    if first is None or last is None:
        raise InputError("there is not one request", do="Give the log of a benign period.")
    accounts = sum(map(len, graph.accounts))
    return Calibration(groups, first, last, accounts, by_family(graph.kinds), simulated or log.simulated)


def match_indicators(log: Log, engine: Engine, objects: Sequence[Object], at: datetime | None = None) -> Matched:
    """Accounts of ``log`` that the indicators among STIX ``objects`` are true of, at ``at`` or else as the log ends."""
    engine.scan("requests", log.requests, pa.schema([*REQUESTS, *PRINTS]))
    engine.load("accounts", log.accounts)
    take_prints(engine, _own(log.fields, "requests."))
    tally(engine)
    objects, drills = _in_earnest(log, objects)
    needed = traits_needed(objects)
    signals = [signal for signal in TRAIT_SIGNALS if needed & {kind.name for kind in signal.kinds}]
    traits = gather(engine, signals, log.fields)
    found = match(objects, engine, traits.table, log.fields, at or _span(engine)[1] or datetime.now(UTC))
    return replace(found, silent=(*found.silent, *drills))


def _in_earnest(log: Log, objects: Sequence[Object]) -> tuple[tuple[Object, ...], tuple[str, ...]]:
    """The objects that may be looked for in ``log``, a drill's in simulated traffic alone; a line for each other."""
    kept = tuple(each for each in objects if log.simulated or not of_drill(each))
    left = (each["id"] for each in objects if not log.simulated and of_drill(each) and each["type"] == "indicator")
    return kept, tuple(f"{name}: is of a drill, and this traffic is not simulated" for name in left)


def artifacts(log: Log, engine: Engine, kinds: frozenset[str]) -> pa.Table:
    """Every account's traits of some kinds (``schema.evidence.TRAITS``), of those that the log has fields for."""
    engine.scan("requests", log.requests, pa.schema([*REQUESTS, *PRINTS]))
    engine.load("accounts", log.accounts)
    take_prints(engine, _own(log.fields, "requests."))
    tally(engine)
    signals = [signal for signal in TRAIT_SIGNALS if kinds & {kind.name for kind in signal.kinds}]
    return gather(engine, signals, log.fields).table


def _link(
    log: Log, engine: Engine, seed: int, watch: "_Watch", rows: bool
) -> tuple[Families, Traits, Incidence, Linked]:
    """From the log to clusters; the rows of the traits, which are many, are kept beyond the graph only if asked for."""
    with watch("fingerprints"):
        engine.scan("requests", log.requests, pa.schema([*REQUESTS, *PRINTS]))
        engine.load("accounts", log.accounts)
        take_prints(engine, _own(log.fields, "requests."), log.printed)
    with watch("templates"):
        families = find_templates(engine)
    with watch("traits"):
        tally(engine)
        traits = gather(engine, TRAIT_SIGNALS, log.fields)
        silent = (
            f"{s.name}: the log has no {' and no '.join(missing(s.needs, log.fields))}"
            for s in CLUSTER_SIGNALS
            if missing(s.needs, log.fields)
        )
        traits = replace(traits, abstained=(*traits.abstained, *silent))
    with watch("links"):
        graph = _graph(engine, traits, log)
        traits = traits if rows else replace(traits, table=TRAITS.empty_table())
        return families, traits, graph, find_clusters(graph, seed)


def _named(log: Log, engine: Engine, objects: Sequence[Object], traits: Traits, graph: Incidence) -> tuple[Named, ...]:
    """Whom each of the indicators among ``objects`` is true of, where it is true of enough to make a group."""
    objects, _ = _in_earnest(log, objects)
    if not objects:
        return ()
    matched = match(objects, engine, traits.table, log.fields, _span(engine)[1] or datetime.now(UTC))
    actor_of = {account: actor for actor, own in enumerate(graph.accounts) for account in own}
    families = {kind.name: kind.family for kind in graph.kinds}
    latest = {each["id"]: each for each in sorted(objects, key=lambda each: str(each.get("modified", "")))}
    found: dict[str, set[int]] = {}
    for each in matched.matches:
        found.setdefault(each.indicator, set()).add(actor_of[each.account_id])
    return tuple(
        Named(name, np.array(sorted(actors), np.int64), looked_at(latest[name], families))
        for name, actors in sorted(found.items())
        if SMALLEST <= len(actors) <= COMMON * len(graph.actors)
    )


def _span(engine: Engine) -> tuple[datetime | None, datetime | None]:
    """Times of the first and the last request."""
    row = engine.sql("SELECT MIN(first_seen) AS first_seen, MAX(last_seen) AS last_seen FROM account_activity")
    return tuple(  # type: ignore[return-value]
        None if value is None else _EPOCH + timedelta(microseconds=value) for value in row.to_pylist()[0].values()
    )


def _microseconds(moment: datetime | None) -> int:
    return 0 if moment is None else (moment - _EPOCH) // timedelta(microseconds=1)


class _Watch:
    """Times the stages and says which one runs."""

    def __init__(self, progress: Callable[[str], None]) -> None:
        self.seconds: dict[str, float] = {}
        self._progress = progress

    @contextmanager
    def __call__(self, stage: str) -> Iterator[None]:
        self._progress(stage)
        began = perf_counter()
        yield
        self.seconds[stage] = perf_counter() - began


def _own(fields: frozenset[str], prefix: str) -> frozenset[str]:
    return frozenset(name.removeprefix(prefix) for name in fields if name.startswith(prefix))


def _graph(engine: Engine, traits: Traits, log: Log) -> Incidence:
    rows = engine.sql("SELECT account_id, requests FROM account_activity")
    requests = dict(zip(rows["account_id"].to_pylist(), rows["requests"].to_pylist(), strict=True))
    one = customers(declared(engine, log.accounts, log.fields))
    return build(traits.table, traits.kinds, requests, one)


def _looked_up(
    engine: Engine, log: Log, graph: Incidence, linked: Linked, programmes: Sequence[Programme]
) -> tuple[Linked, list[Standing], tuple[str, ...]]:
    """The clusters with what authorised programmes cover taken apart, how each stands, and programmes of nobody."""
    if not programmes:
        return linked, [Standing()] * len(linked.clusters), ()
    rows = engine.sql("SELECT account_id, last_seen FROM account_activity")
    last = dict(zip(rows["account_id"].to_pylist(), rows["last_seen"].to_pylist(), strict=True))
    organisation = declared(engine, log.accounts, log.fields)
    covered = covering(last, organisation, programmes)
    clusters, standing = parted(graph, linked.order, linked.clusters, covered, last)
    return replace(linked, clusters=clusters), standing, naming_nobody(last, organisation, programmes)


def _ranks(
    graph: Incidence,
    linked: Linked,
    readings: Sequence[Sequence[tuple[Family, Reading]]],
    against: Basis,
    fdr: float,
) -> list[float | None]:
    """P-value of each cluster among simulated natural groups, where there are any."""
    if against.ranking is None:
        return [None] * len(linked.clusters)
    found = references(graph, linked.held, linked.order, linked.clusters, against.ranking)
    tested = assess(graph, linked.held, linked.order, linked.clusters, readings, found, fdr, against.silent)
    return [each.p_value for each in tested]


def _accounts(graph: Incidence, actors: NDArray[np.int64]) -> list[str]:
    return [account for actor in actors for account in graph.accounts[int(actor)]]


def _samples(
    engine: Engine, graph: Incidence, linked: Linked, suspect: Sequence[int]
) -> tuple[list[Activity], Activity]:
    """Requests of each suspect cluster, and of accounts in none: whole actors, in random order, up to a limit.

    Clusters that were put forward count as none, so that an indicator changes nothing for the others.
    """
    inside = np.zeros(len(graph.actors), np.bool_)
    for cluster in linked.clusters:
        inside[cluster.actors] |= not cluster.routes
    chosen = [_some(graph, linked.order, linked.clusters[i].actors, CLUSTER_REQUESTS) for i in suspect]
    chosen.append(_some(graph, linked.order, np.nonzero(~inside)[0], REST_REQUESTS))
    *samples, rest = activities(engine, [_accounts(graph, actors) for actors in chosen])
    return samples, rest


def _some(graph: Incidence, order: NDArray[np.int64], actors: NDArray[np.int64], limit: int) -> NDArray[np.int64]:
    """Actors in random order while they fit ``limit`` requests; one that alone takes a tenth of it is passed over."""
    drawn = actors[np.argsort(order[actors], kind="stable")]
    if graph.requests[drawn].sum() > limit:
        small = drawn[graph.requests[drawn] <= limit // 10]
        drawn = small[np.cumsum(graph.requests[small]) <= limit]
    return np.asarray(np.sort(drawn))


def _read(sample: Activity, rest: Activity, fields: frozenset[str], seed: int) -> Sequence[tuple[Family, Reading]]:
    """Readings of one cluster by every cluster signal whose fields are there."""
    return [
        (signal.family, signal.test(sample, rest, seed))
        for signal in CLUSTER_SIGNALS
        if not missing(signal.needs, fields)
    ]


def _cues(rest: Activity) -> tuple[dict[int, int], int]:
    bits, counts = np.unique(rest.cues, return_counts=True)
    return dict(zip(bits.tolist(), counts.tolist(), strict=True)), len(rest)


def _findings(
    log: Log, engine: Engine, options: Options, conclusion: Conclusion, graph: Incidence, linked: Linked,
    families: Families, traits: Traits, against: Basis, seconds: dict[str, float],
) -> Findings:  # fmt: skip
    first, last = _span(engine)
    return Findings(
        campaigns=with_skeletons(engine, conclusion.campaigns),
        authorised=with_skeletons(engine, conclusion.authorised),
        cleared=conclusion.cleared,
        requests=int(graph.requests.sum()),
        accounts=sum(map(len, graph.accounts)),
        rejects=log.rejects,
        first_seen=first,
        last_seen=last,
        fdr=options.fdr,
        engine=engine.name,
        version=__version__,
        calibration=against.told,
        abstained=traits.abstained,
        capped=_capped(graph, linked, families.common),
        inputs=log.inputs,
        simulated=log.simulated,
        seconds=seconds,
    )


def _capped(graph: Incidence, linked: Linked, phrases: Sequence[tuple[int, int]]) -> tuple[str, ...]:
    """Artifacts too common to seed a cluster, and phrases too common to be a template."""
    kinds = {kind.label: kind for kind in graph.kinds}
    common = [f"{kind} {readable(kinds[kind], value)}: {holders:,} customers" for kind, value, holders in linked.capped]
    said = [f"wording {family_id(anchor)}, no template: {users:,} accounts" for anchor, users in phrases[:PHRASES_TOLD]]
    more = [f"{len(phrases) - PHRASES_TOLD:,} more wordings, of fewer accounts"] * (len(phrases) > PHRASES_TOLD)
    return (*common, *said, *more)


def accounts_table(findings: Findings, graph: Incidence) -> pa.Table:
    """One row an account of the log: its campaign or null, its score, and the q-value of its cluster.

    Accounts of a cluster that the test cleared keep the q-value that cleared it. Against those in no cluster, under an
    authorised programme or openly one customer nothing is held: q-value 1. The score is the probability of belonging to
    the cluster times one minus its q-value.
    """
    told: list[tuple[str | None, Campaign]] = [
        (None, c) for c in findings.cleared if not any(e.holds and e.p_value is None for e in c.considered)
    ]
    told += [(c.id, c) for c in findings.campaigns]
    member = {m.account_id: (name, m.score * (1.0 - c.q_value), c.q_value) for name, c in told for m in c.members}
    accounts = sorted(account for own in graph.accounts for account in own)
    rows = [member.get(account, (None, 0.0, 1.0)) for account in accounts]
    return pa.table(
        {
            "account_id": pa.array(accounts, pa.string()),
            "campaign_id": pa.array([row[0] for row in rows], pa.string()),
            "score": pa.array([row[1] for row in rows], pa.float64()),
            "q_value": pa.array([row[2] for row in rows], pa.float64()),
        }
    )


def write_requests(engine: Engine, findings: Findings, path: Path) -> None:
    """The requests that campaigns are made of, of their accounts alone."""
    rows = [(c.id, m.account_id) for c in findings.campaigns for m in c.members]
    named = {"account_id": [r[1] for r in rows], "campaign_id": [r[0] for r in rows]}
    engine.load("accused", pa.table(named, pa.schema([("account_id", pa.string()), ("campaign_id", pa.string())])))
    query = "SELECT request_id, campaign_id FROM belonging JOIN accused USING (account_id) WHERE belongs"
    engine.write(f"{query} ORDER BY request_id", path)
