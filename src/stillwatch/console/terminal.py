"""What a person sees in the terminal when a run ends, and the one line a script reads.

Nothing from a log reaches the terminal as it is: control characters become visible escapes, and rich's own markup is
never parsed. Colour follows the terminal, ``NO_COLOR`` and ``TERM`` (https://no-color.org), as rich does.
"""

import shlex
from collections.abc import Iterable
from pathlib import Path

from rich import box
from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from stillwatch.console import prose, words
from stillwatch.console.findings_json import by_certainty
from stillwatch.schema.campaign import Campaign, Findings

NARROW = 90  # columns below which tables become lists
DETAILED = 5  # campaigns told in full; the rest are one line each and whole in the report
BULLET = "  - "
BULLETS = 5  # lines of one list before the rest is counted


def result_line(findings: Findings, report: Path | None = None) -> str:
    """The run as one line of ``key=value`` words, quoted for a shell where needed; keys are stable.

    Example: ``stillwatch campaigns=1 accounts=8 requests=9120 output_tokens=4100000 fdr=0.01 report=out/report.html``
    """
    facts: dict[str, object] = {
        "campaigns": len(findings.campaigns),
        **prose.totals(findings),
        "authorised": len(findings.authorised),
        "cleared": len(findings.cleared),
        "rejects": findings.rejects,
        "fdr": f"{findings.fdr:g}",
    }
    if findings.simulated:
        facts["simulated"] = "yes"
    if report is not None:
        facts["report"] = shlex.quote(words.printable(str(report)))
    return " ".join(["stillwatch", *(f"{key}={value}" for key, value in facts.items())])


def print_summary(findings: Findings, console: Console, report: Path | None = None) -> None:
    """Print the findings to ``console``: a headline, each campaign, what was not accused, what was not measured."""
    say = _Speaker(console)
    say.line(prose.headline(findings), "bold red" if findings.campaigns else "bold green")
    say.line(prose.standfirst(findings))
    if findings.simulated:
        say.line(prose.SIMULATED, "yellow")
    say.line(prose.certainty(findings), "dim")
    if findings.campaigns:
        say.line(prose.explained(findings))
    campaigns = by_certainty(findings.campaigns)
    for number, campaign in enumerate(campaigns[:DETAILED], start=1):
        _campaign(say, campaign, f"{number} of {len(campaigns)}")
    if len(campaigns) > DETAILED:
        say.list(
            "Further campaigns",
            [f"{c.id}: {prose.title(c)}, q = {words.p_value(c.q_value)}" for c in campaigns[DETAILED:]],
        )
    say.list("Authorised programmes, not accused", _clusters(by_certainty(findings.authorised)))
    say.list("Cleared: tied, with an innocent explanation", _clusters(by_certainty(findings.cleared)))
    say.list("Signals that could not run", findings.abstained)
    say.list("Artifacts too common to tie anybody", findings.capped)
    say.line("")
    if findings.rejects:
        say.line(f"{words.plural(findings.rejects, 'row')} could not be read; see rejects.ndjson.", "yellow")
    say.line(f"Calibration: {findings.calibration}", "dim")
    if report is not None:
        say.line(f"Report: {report}", "bold")


def _clusters(clusters: Iterable[Campaign]) -> list[str]:
    return [
        f"{words.plural(len(c.accounts), 'account')} ({c.id}): {words.listed([n for n, _ in prose.reasons(c)])}"
        for c in clusters
    ]


def _campaign(say: "_Speaker", campaign: Campaign, place: str) -> None:
    say.line("")
    say.line(f"{place} · {campaign.id} · {prose.title(campaign)}", "bold")
    say.line(
        f"{words.plural(campaign.requests, 'request')}, {words.plural(campaign.output_tokens, 'output token')}, "
        f"{words.minutes(campaign.first_seen, campaign.last_seen)} UTC"
    )
    say.line(
        f"{words.stated('q', campaign.q_value)} over all clusters; {words.stated('p', campaign.p_value)} under its "
        f"best innocent explanation ({words.odds(campaign.p_value)})"
    )
    if campaign.put_forward_by:
        say.line(prose.forwarded(campaign))
    evidence = sorted(campaign.evidence, key=lambda e: e.p_value)
    if say.narrow:
        say.list("Evidence", [f"{e.summary} ({words.stated('p', e.p_value)})" for e in evidence])
    else:
        say.table(
            ("Signal", "What was measured", "Accounts", "p-value"),
            [
                (
                    e.signal.replace("_", " "),
                    e.summary,
                    words.large(e.accounts) if e.accounts else "-",
                    words.p_value(e.p_value),
                )
                for e in evidence
            ],
        )
    ruled_out = [c.explanation for c in campaign.considered if not c.holds]
    if ruled_out:
        say.line(f"Ruled out: {words.listed(ruled_out)}.")
    if campaign.confidence:
        say.line(f"How sure: {campaign.confidence}")
    say.list("Would change the verdict", campaign.would_change)
    say.list("Not measured", campaign.not_measured)


class _Speaker:
    """Prints safe text; holds what depends on the terminal."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self.narrow = console.width < NARROW

    def line(self, text: str, style: str = "") -> None:
        self._print(self._safe(text, style))

    def list(self, heading: str, items: Iterable[str]) -> None:
        """A heading and its items, or nothing if there are none."""
        items = list(items)
        if not items:
            return
        self.line("")
        self.line(heading, "bold")
        for item in items[:BULLETS]:
            lines = self._safe(item).wrap(self._console, max(self._console.width - len(BULLET), 20))
            for line in lines:
                line.rstrip()
            self._print(Text(BULLET) + Text("\n" + " " * len(BULLET)).join(lines))
        if len(items) > BULLETS:
            self.line(f"  and {words.large(len(items) - BULLETS)} more in the report", "dim")

    def table(self, heads: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> None:
        """A table whose second column takes the room that is left; numbers stand right."""
        table = Table(box=box.SIMPLE_HEAD, pad_edge=False, expand=True)
        for number, head in enumerate(heads):
            table.add_column(
                head, ratio=1 if number == 1 else None, justify="right" if number > 1 else "left", no_wrap=number > 1
            )
        for row in rows:
            table.add_row(*(self._safe(cell) for cell in row))
        self._print(table)

    def _print(self, what: RenderableType) -> None:
        self._console.print(what, highlight=False)

    def _safe(self, text: str, style: str = "") -> Text:
        """``text`` without control characters and within what the terminal's encoding can say."""
        encoding = self._console.encoding
        return Text(words.printable(text).encode(encoding, "backslashreplace").decode(encoding), style=style)
