"""``report.html``: the findings for a person, in one file that needs no network and runs no script but its own.

What accounts sent (user agents, domains, prompts) stands in this page, so the page trusts none of it: every string is
escaped by the template engine, control and direction characters are made visible, the embedded data cannot close its
element, and a Content-Security-Policy of hashes lets the browser run nothing and load nothing else.
"""

import re
from datetime import datetime
from functools import lru_cache

from jinja2 import Environment
from markupsafe import Markup

from stillwatch.console import charts, prose, words
from stillwatch.console.account_table import account_columns, embedded, ranked, shares
from stillwatch.console.cluster_graph import cluster_graph
from stillwatch.console.findings_json import by_certainty
from stillwatch.console.graph_layout import TIES
from stillwatch.console.pages import own, policy, templates
from stillwatch.schema.campaign import Findings

_UNIT = re.compile(r"(?<=\d) (?=%|million|billion|trillion|bits|× 10)|(?<=×) (?=10)")  # not to be broken over lines
_SLOT = re.compile(r"(‹[^‹›]*›)")


def report_html(findings: Findings) -> bytes:
    """The report as UTF-8 HTML. Equal findings give equal bytes."""
    css, script = own("report.css"), own("report.js")
    page = (
        _environment()
        .get_template("report.html.j2")
        .render(
            findings=findings,
            campaigns=by_certainty(findings.campaigns),
            authorised=by_certainty(findings.authorised),
            cleared=by_certainty(findings.cleared),
            headline=prose.headline(findings),
            drill=prose.SIMULATED,
            standfirst=prose.standfirst(findings),
            certainty=prose.certainty(findings),
            requested=prose.requested(findings),
            figures=prose.figures(findings),
            explained=prose.explained(findings),
            tally=prose.tally(findings.cleared),
            ties_drawn=TIES,
            css=css,
            script=script,
            policy=policy(css, script),
        )
    )
    return page.encode("utf-8")


def slots(skeleton: str) -> list[tuple[str, bool]]:
    """A template's skeleton cut at its slots: pieces of text, each with whether it is a slot (``‹…›``)."""
    return [(piece, bool(_SLOT.fullmatch(piece))) for piece in _SLOT.split(words.printable(skeleton)) if piece]


def _show(value: object) -> object:
    """Visible characters, and no unit torn from its number."""
    if not isinstance(value, str) or isinstance(value, Markup):
        return value
    return _UNIT.sub("\xa0", words.printable(value))


def _stamp(moment: datetime) -> str:
    return f"{words.utc(moment):%Y-%m-%d %H:%M}"


@lru_cache(maxsize=1)
def _environment() -> Environment:
    shown = (words.large, words.listed, words.p_value, words.odds, words.percent, words.plural, words.printable)
    told = (words.score, words.days, words.minute, words.minutes, words.span)
    found = (prose.title, prose.reasons, prose.answers, prose.gist, prose.closest, prose.technique)
    drawn = (
        prose.forwarded,
        charts.timeline,
        charts.merged,
        charts.strength,
        cluster_graph,
        account_columns,
        embedded,
        ranked,
        shares,
        slots,
    )
    environment = templates((*shown, *told, *found, *drawn), _show)
    environment.filters["stamp"] = _stamp
    return environment
