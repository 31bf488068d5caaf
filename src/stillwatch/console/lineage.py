"""The report on a suspect model's lineage: ``trace.json``, ``report.html`` and a summary on the terminal."""

from pathlib import Path

import msgspec
from rich.console import Console
from rich.table import Table

from stillwatch.console import lineage_charts as charts
from stillwatch.console.lineage_json import lineage_json
from stillwatch.console.pages import own, policy, templates
from stillwatch.console.words import large, listed, p_value, percent, plural, printable, stated
from stillwatch.lineage.interface import FEWEST_PROMPTS, Claim, Outcome, Shadowing, Trace
from stillwatch.storage.files import write_whole

_TITLES = {"watermark": "Watermark of a teacher", "canaries": "Canaries of a teacher", "campaign": "A campaign"}

#: What each claim says of the suspect.
_MEANT = {
    "wrapper": "the same model under another name",
    "weights": "made from its weights",
    "taught": "trained on its answers",
}


def sentence(claim: Claim) -> str:
    """A claim's outcome as a sentence that says no more than it may."""
    names = listed([printable(name, 80) for name in claim.candidates])
    best = claim.standings[0]
    match claim.outcome:
        case Outcome.SUPPORTED:
            via = f" It may have come by way of {printable(claim.via, 80)}." if claim.via else ""
            return f"{claim.says.format(names)} Supported, {stated('p', best.p_value)} over all candidates.{via}"
        case Outcome.NOT_SUPPORTED:
            nearest = printable(best.candidate, 80)
            return f"Not supported for any candidate: the nearest, {nearest}, has {stated('p', best.p_value)}."
        case Outcome.INSUFFICIENT_CONTROLS:
            return (
                f"Insufficient controls: {claim.families} control families, and at least {claim.families_needed} "
                f"are needed to claim anything at {claim.alpha:.3g}."
            )
        case Outcome.TOO_FEW_PROMPTS:
            return f"Too few prompts to claim anything: at least {FEWEST_PROMPTS} are needed."
        case Outcome.INDISTINGUISHABLE:
            return f"Abstained: {names} cannot be told apart; it may be any of them."
        case Outcome.SHARED_STYLE:
            return f"Abstained: {names} share a style, and the suspect has it."
        case Outcome.VIEWS_DISAGREE:
            return f"Abstained: {names} leads in some views of the text and not in others."
        case Outcome.NOT_COMPARABLE:
            return (
                "Not comparable: the suspect's answers have next to nothing in common with anybody's, as those in "
                "another language. Compare it with models that were asked in its language."
            )


def shadowed(found: Shadowing) -> str:
    """What came of the shadow students, in sentences."""
    said = [f"Shadow students were judged by the claim taught, as the suspect is, on {found.prompts} prompts or more."]
    if found.known:
        said.append(f"Of {found.known} that learnt from a candidate it named the right one for {found.found}.")
    if found.clean:
        said.append(f"Of {found.clean} that learnt from a control it accused {found.accused}.")
    if found.short:
        said.append(f"For {found.short} there were too few controls or prompts to say anything.")
    said.append(
        "They are small models of words: they show that the test works on these texts, and neither how often it would "
        "find a student of full size nor how often it would accuse one wrongly."
    )
    return " ".join(said)


def trace_json(found: Trace) -> bytes:
    """The whole result as JSON; equal results give equal bytes."""
    return msgspec.json.format(msgspec.json.encode(found), indent=1) + b"\n"


def headline(found: Trace) -> str:
    """The page's title: the strongest thing that may be said."""
    supported = [claim for claim in found.claims if claim.outcome is Outcome.SUPPORTED]
    if not supported:
        return f"No claim on {printable(found.suspect, 80)} is supported"
    names = list(dict.fromkeys(name for claim in supported for name in claim.candidates))
    return f"The texts of {printable(found.suspect, 80)} point to {listed([printable(name, 80) for name in names])}"


def trace_html(found: Trace) -> bytes:
    """The report as UTF-8 HTML that needs no network and runs no script; equal results give equal bytes."""
    environment = templates(
        (large, p_value, percent, plural, printable, stated, sentence, shadowed, charts.against_controls, charts.tree)
    )
    css = own("report.css")
    page = environment.get_template("lineage.html.j2").render(
        trace=found, headline=headline(found), titles=_TITLES, meant=_MEANT, css=css, policy=policy(css)
    )
    return page.encode("utf-8")


def write_trace(found: Trace, folder: Path) -> Path:
    """Write ``lineage.json``, ``trace.json`` and ``report.html`` into ``folder``, which exists; gives the page."""
    files = {"lineage.json": lineage_json(found), "trace.json": trace_json(found), "report.html": trace_html(found)}
    write_whole(folder, files)
    return folder / "report.html"


def print_trace(found: Trace, console: Console) -> None:
    """The three claims, and what weakens them."""
    table = Table(title=f"{printable(found.suspect, 80)}: {found.prompts} prompts, {len(found.models)} models")
    for name in ("claim", "outcome", "nearest", "p", "control families"):
        table.add_column(name)
    for claim in found.claims:
        best = claim.standings[0]
        table.add_row(
            claim.kind, claim.outcome.value, printable(best.candidate, 60), p_value(best.p_value), str(claim.families)
        )
    console.print(table)
    for claim in found.claims:
        console.print(f"{claim.kind}: {sentence(claim)}", markup=False, highlight=False, soft_wrap=True)
    for line in found.beside:
        odds = "" if line.p_value is None else f" {stated('p', line.p_value)}."
        console.print(f"{line.kind}: {printable(line.says)}{odds}", markup=False, highlight=False, soft_wrap=True)
        for doubt in line.doubts:
            console.print(f"  but {printable(doubt)}", markup=False, highlight=False, soft_wrap=True)
    if found.together:
        kinds = listed(found.together.kinds)
        console.print(
            f"{kinds} together: {stated('p', found.together.p_value)}, as planned", markup=False, highlight=False
        )
    if found.shadowing:
        console.print(f"shadows: {shadowed(found.shadowing)}", markup=False, highlight=False, soft_wrap=True)
    for warning in found.warnings:
        console.print(f"note: {printable(warning)}", markup=False, highlight=False, soft_wrap=True)
