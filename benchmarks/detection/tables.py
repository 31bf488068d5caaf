"""Markdown tables of the scores."""

from collections.abc import Iterable, Mapping, Sequence

from benchmarks.detection.plan import CAMPAIGN, KNOB, QUIET, RECORD, Case
from benchmarks.detection.score import Quality, Score, Share
from benchmarks.markdown import table

Scored = Sequence[tuple[Case, Score]]
_MEASURES = ("account recall", "account precision", "request recall", "request precision")


def tables(scored: Scored) -> str:
    """Every table, a heading before each, of the parts that were measured."""
    parts = {name: [each for each in scored if each[0].part == name] for name in (RECORD, CAMPAIGN, KNOB, QUIET)}
    written = [
        ("Every campaign of the record in one log", _record, RECORD),
        ("Each campaign alone", _alone, CAMPAIGN),
        ("Evasion knobs", _knobs, KNOB),
        ("No campaign at all", _quiet, QUIET),
    ]
    return "\n\n".join(f"### {title}\n\n{show(parts[part])}" for title, show, part in written if parts[part]) + "\n"


def _record(scored: Scored) -> str:
    names = list(scored[0][1].campaigns)
    rows = [_row(name, [score.campaigns[name] for _, score in scored]) for name in names]
    rows.append(_row("**all together**", [score.total for _, score in scored]))
    return table(["campaign", "findings a log", *_MEASURES], rows) + "\n\n" + _innocent(scored)


def _alone(scored: Scored) -> str:
    rows = [
        [*_row(case.order.scenario, [score.campaigns[case.order.scenario]]), *_harm([score])] for case, score in scored
    ]
    return table(["campaign", "findings", *_MEASURES, "benign accused", "false discoveries"], rows)


def _knobs(scored: Scored) -> str:
    rows = []
    for case, score in scored:
        whole = sum(quality.findings == 1 for quality in score.campaigns.values())
        missed = [name for name, quality in score.campaigns.items() if not quality.findings]
        knob = ", ".join(f"{name} {degree:g}" for name, degree in case.order.evade.items()) or "none"
        total = score.total
        rows.append(
            [knob, f"{whole} of {len(score.campaigns)}", _few(missed),
             *map(_percent, (total.account_recall, total.account_precision, total.request_recall,
                             total.request_precision)), *_harm([score])]
        )  # fmt: skip
    return table(["knob", "found as one", "not found", *_MEASURES, "benign accused", "false discoveries"], rows)


def _few(names: Sequence[str]) -> str:
    """The names, or how many where a cell has no room for them."""
    return f"{len(names)} campaigns" if len(names) > 3 else ", ".join(names) or "-"


def _quiet(scored: Scored) -> str:
    return _innocent(scored)


def _innocent(scored: Scored) -> str:
    scores = [score for _, score in scored]
    benign = sum((score.benign for score in scores), Share())
    false = sum((score.false_discoveries for score in scores), Share())
    groups = sorted({name for score in scores for name in score.hard_negatives})
    strays: dict[str, int] = {}
    for score in scores:
        for name, count in score.accused.items():
            strays[name] = strays.get(name, 0) + count
    rows = [
        ["logs", str(len(scores))],
        ["logs with a false finding", str(sum(score.false_discoveries.part > 0 for score in scores))],
        ["false discoveries of all findings", f"{false.part} of {false.whole}"],
        ["benign accounts accused", f"{benign.part:,} of {benign.whole:,} ({_rate(benign)} in 10,000)"],
        ["  of which", _counts(strays)],
        ["hard-negative groups accused", ", ".join(groups) or "none"],
    ]
    return table(["innocent", "count"], rows)


def _row(name: str, found: Iterable[Quality]) -> list[str]:
    found = list(found)
    shares = [
        sum((getattr(quality, field) for quality in found), Share())
        for field in ("account_recall", "account_precision", "request_recall", "request_precision")
    ]
    return [name, ", ".join(str(quality.findings) for quality in found), *map(_percent, shares)]


def _harm(scores: Iterable[Score]) -> list[str]:
    scores = list(scores)
    benign = sum((score.benign for score in scores), Share())
    false = sum((score.false_discoveries for score in scores), Share())
    return [f"{benign.part} of {benign.whole:,}", f"{false.part} of {false.whole}"]


def _percent(share: Share) -> str:
    return "-" if share.value is None else f"{share.value:.4f}"


def _rate(share: Share) -> str:
    return "-" if share.value is None else f"{10_000 * share.value:.2f}"


def _counts(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in counts.items()) or "none"
