"""Assessments in words: evidence a person can check, explanations considered, how sure and why not surer."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from stillwatch.campaigns.assess import Assessment
from stillwatch.campaigns.coverage import Standing
from stillwatch.campaigns.fit import Trial
from stillwatch.campaigns.openly import Openness
from stillwatch.campaigns.readable import readable
from stillwatch.schema.campaign import Consideration, Evidence, Tie
from stillwatch.schema.evidence import Family, Kind, Reading
from stillwatch.schema.graph import Holders, Incidence
from stillwatch.stats.evidence import LEAST, p_of_bits
from stillwatch.stats.written import percent, power_of_ten, stated

#: A kind is told as evidence from this many bits on (1 in 1,000), and at most so many kinds and shared artifacts are.
TOLD, KINDS_TOLD, TIES_TOLD = 10.0, 16, 40
#: Shared artifacts told of one account, in all and of one kind.
SHARES_TOLD, OF_ONE_KIND = 8, 2
#: From here on a probability is told as one in so many.
RARE = 0.1
ACCOUNTS_LISTED = 50


def evidence_of(graph: Incidence, held: Holders, assessment: Assessment) -> tuple[Evidence, ...]:
    """Lines of evidence, strongest first: what the accounts have in common, then what the cluster tests found."""
    by_bits = np.argsort(-assessment.kinds, kind="stable")
    shared = [
        _kind_evidence(graph, held, assessment, int(kind))
        for kind in by_bits[:KINDS_TOLD]
        if assessment.kinds[kind] >= TOLD
    ]
    tested = [
        Evidence(
            r.signal, r.summary, r.value or 0.0, r.p_value, str(family), len(assessment.cluster.actors), r.examples
        )
        for family, r in assessment.readings
        if r.p_value is not None and r.p_value <= 0.05
    ]
    return tuple(shared + sorted(tested, key=lambda e: (e.p_value, e.signal)))


def _kind_evidence(graph: Incidence, held: Holders, assessment: Assessment, index: int) -> Evidence:
    kind, actors = graph.kinds[index], assessment.cluster.actors
    values, holding = _common(graph, held, index, assessment)
    measured = _accounts(graph, actors[graph.sizes[actors * len(graph.kinds) + index] > 0])
    if kind.artifact:
        sharing = _accounts(graph, holding)
        others = _accounts(graph, np.setdiff1d(held.of_any(np.array(values)), actors))
        elsewhere = f"{others:,} others have" if others > 1 else "one other has" if others else "no other has"
        summary = f"{sharing:,} of {measured:,} accounts have {_same(len(values), kind)}, which {elsewhere}"
    else:
        alike = actors[np.isin(actors, held.of(values[0]))] if values else actors[:0]
        sharing, usual = _accounts(graph, alike), float(graph.share[values[0]]) if values else 0.0
        summary = (
            f"{sharing:,} of {measured:,} accounts are alike in {kind.label} "
            f"({readable(kind, graph.names[values[0]]) if values else '-'}), as {percent(usual)} of all customers are"
        )
    bits = float(assessment.kinds[index])
    return Evidence(kind.name, summary, round(bits, 3), p_of_bits(bits), str(kind.family), sharing)


def _accounts(graph: Incidence, actors: NDArray[np.int64]) -> int:
    return sum(map(len, map(graph.accounts.__getitem__, actors.tolist())))


def _same(number: int, kind: Kind) -> str:
    return f"one of the same {number} values of {kind.label}" if number != 1 else f"the same {kind.label}"


def _common(graph: Incidence, held: Holders, index: int, assessment: Assessment) -> tuple[list[int], NDArray[np.int64]]:
    """Values of the kind that several of the cluster have and that are commoner in it than outside, most held first.

    Also the actors that hold any of them.
    """
    actors = assessment.cluster.actors
    value, count = np.unique(graph.values_of(actors, index), return_counts=True)
    rate = count / max(graph.measured(index, actors), 1)
    telling = (count >= 2) & (rate > 2 * graph.share[value]) & ~graph.ordinary[value]
    if not telling.any():
        telling = count == count.max()
    order = np.lexsort((value[telling], -count[telling]))
    kept = value[telling][order]
    return [int(v) for v in kept], actors[np.isin(actors, held.of_any(kept))]


def ties_of(graph: Incidence, held: Holders, assessment: Assessment) -> tuple[Tie, ...]:
    """The artifacts that tie the cluster, strongest first."""
    ties: list[tuple[float, Tie]] = []
    inside = np.zeros(len(graph.actors), np.bool_)
    inside[assessment.cluster.actors] = True
    for index, kind in enumerate(graph.kinds):
        if not kind.artifact or assessment.kinds[index] < TOLD:
            continue
        for value in _common(graph, held, index, assessment)[0][:TIES_TOLD]:
            holders = held.of(value)
            own = holders[inside[holders]]
            names = [account for actor in own for account in graph.accounts[actor]]
            bits = len(own) * max(-np.log2(graph.share[value]), 0.0)
            tie = Tie(
                kind=kind.label,
                value=readable(kind, graph.names[value]),
                accounts=tuple(names[:ACCOUNTS_LISTED]),
                accounts_total=len(names),
                accounts_elsewhere=_accounts(graph, holders[~inside[holders]]),
                bits=round(float(bits), 3),
            )
            ties.append((bits, tie))
    ties.sort(key=lambda pair: (-pair[0], pair[1].kind, pair[1].value))
    return tuple(tie for _, tie in ties[:TIES_TOLD])


def shared_by(graph: Incidence, held: Holders, assessment: Assessment) -> dict[str, tuple[str, ...]]:
    """What each account shares with others of the cluster, in words: telling kinds first, then common values."""
    actors = assessment.cluster.actors
    place = np.full(len(graph.actors), -1, np.int64)
    place[actors] = np.arange(len(actors))
    found: list[list[str]] = [[] for _ in actors]
    for index in np.argsort(-assessment.kinds, kind="stable"):
        kind = graph.kinds[index]
        if not kind.artifact or assessment.kinds[index] < TOLD:
            continue
        told = np.zeros(len(actors), np.int64)
        for value in _common(graph, held, int(index), assessment)[0]:
            words = f"{kind.label} {readable(kind, graph.names[value])}"
            holding = place[held.of(value)]
            for at in holding[holding >= 0].tolist():
                if told[at] < OF_ONE_KIND and len(found[at]) < SHARES_TOLD:
                    told[at] += 1
                    found[at].append(words)
    return {account: tuple(own) for actor, own in zip(actors, found, strict=True) for account in graph.accounts[actor]}


def considered_of(
    assessment: Assessment, openness: Openness, standing: Standing, alpha: float, basis: str
) -> tuple[Consideration, ...]:
    """Every innocent explanation with its outcome.

    Args:
        assessment: the cluster's tests.
        openness: whether it is openly one customer.
        standing: what the programmes on file say of it.
        alpha: an explanation whose p-value is larger than this holds.
        basis: which natural groups it was compared with, as "groups in this traffic".
    """
    programme = standing.programme
    looked_up = (
        f"the programme {programme.name!r} covers {standing.covered} until {programme.until}"
        if programme
        else standing.note or "no programme on file covers them"
    )
    facts = [
        Consideration("authorised programme", programme is not None, looked_up),
        Consideration("batch customer", openness.holds, openness.why),
        Consideration("evaluation vendor", openness.holds, openness.why),
    ]
    tried = (_consideration(trial, alpha, basis) for trial in assessment.trials)
    return (*facts, *tried, *_repeated(assessment, alpha))


def _repeated(assessment: Assessment, alpha: float) -> tuple[Consideration, ...]:
    if not assessment.tests:
        return ()
    holds = assessment.p_value > alpha
    why = (
        f"tested {assessment.tests} times while one window went by; of groups that any of the explanations above is "
        f"true of, so much comes up in some of so many looks with {stated('p', assessment.p_value)}"
    )
    return (Consideration("repeated looks", holds, why, assessment.p_value),)


def _consideration(trial: Trial, alpha: float, among: str) -> Consideration:
    name = trial.explanation.name
    if not trial.fits and trial.defining:
        why = f"does not fit: {trial.defining}, but only {trial.drawn_from} customers in all have it, which is no crowd"
        return Consideration(name, False, why)
    if not trial.fits:
        families = " or ".join(sorted(trial.explanation.needs))
        return Consideration(name, False, f"does not fit: nothing of {families} is common to half of the accounts")
    basis = f"{trial.groups:,} natural {among}" if trial.groups else "what independent draws would show"
    common = f"{trial.defining}. " if trial.defining else ""
    if trial.p_value > alpha:
        why = f"such groups can be as alike in the rest ({stated('p', trial.p_value)} against {basis})"
        return Consideration(name, True, f"{common}If they are {trial.explanation.says}, {why}", trial.p_value)
    telling = [
        f"{family} ({stated('p', p)})" for family, p in sorted(trial.by_family.items(), key=lambda i: i[1]) if p < 0.1
    ]
    rest = f"in {', '.join(telling)}" if telling else "in everything else taken together"
    why = f"only chance would account for how alike they are {rest}, compared with {basis}"
    return Consideration(name, False, f"{common}If they are {trial.explanation.says}, {why}", trial.p_value)


def confidence_of(assessment: Assessment, not_measured: Sequence[str]) -> str:
    """How sure, and why not surer."""
    hardest, p = assessment.hardest, max(assessment.p_value, LEAST)
    text = (
        f"If the best innocent explanation ({hardest.explanation.name}) were true, evidence this strong would be "
        f"expected in about one of {_count_of(1 / p)} such groups"
        if p < RARE
        else f"The best innocent explanation ({hardest.explanation.name}) would show evidence this strong in "
        f"{percent(p)} of such groups"
    )
    if hardest.groups and p < 1 / (1 + hardest.groups):
        text += f", which goes beyond the {hardest.groups:,} groups that there were to compare with and is extrapolated"
    weakest = max(hardest.by_family.items(), key=lambda item: item[1], default=None)
    if weakest is not None and weakest[1] > 0.5:
        text += f"; what they share in {weakest[0]} does not speak against that explanation"
    if not_measured:
        text += f"; {len(not_measured)} signal{'s' * (len(not_measured) != 1)} could not be measured"
    return text + "."


def _count_of(number: float) -> str:
    """``2,580`` or ``10¹²``: two or three figures are all it is worth."""
    return f"{float(f'{number:.3g}'):,.0f}" if number < 1e9 else power_of_ten(round(np.log10(number)))


def would_change(assessment: Assessment) -> tuple[str, ...]:
    """What would change the verdict."""
    hardest = assessment.hardest
    strongest = min(hardest.by_family.items(), key=lambda item: item[1], default=(Family.CONTENT, 0.0))
    return (
        "a contract or programme that covers these accounts",
        f"an innocent cause, common to all of these accounts, of their likeness in {strongest[0]}",
        f"records that show these accounts to be a case of {hardest.explanation.name}, which comes closest",
    )


def not_measured_of(readings: Sequence[tuple[Family, Reading]], abstained: Sequence[str]) -> tuple[str, ...]:
    """Signals that said nothing of this cluster, and why."""
    own = [f"{reading.signal}: {reading.abstained}" for _, reading in readings if reading.abstained]
    return tuple(own) + tuple(abstained)
