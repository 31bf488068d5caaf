"""``report.html``: the findings for a person, in one file that needs no network and runs no script but its own.

What accounts sent (user agents, domains, prompts) stands in this page, so the page trusts none of it: every string is
escaped by the template engine, control and direction characters are made visible, the embedded data cannot close its
element, and a Content-Security-Policy of hashes lets the browser run nothing and load nothing else.
"""

import base64
import hashlib
import re
from datetime import datetime
from functools import lru_cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from stillwatch.console import charts, prose, words
from stillwatch.console.account_table import account_columns, embedded, ranked, shares
from stillwatch.console.cluster_graph import cluster_graph
from stillwatch.console.findings_json import by_certainty
from stillwatch.console.graph_layout import TIES
from stillwatch.schema.campaign import Findings

_HERE = Path(__file__).parent / "templates"
_UNIT = re.compile(r"(?<=\d) (?=%|million|billion|trillion|bits|× 10)|(?<=×) (?=10)")  # not to be broken over lines
_SLOT = re.compile(r"(‹[^‹›]*›)")


def report_html(findings: Findings) -> bytes:
    """The report as UTF-8 HTML. Equal findings give equal bytes."""
    css, script = _own("report.css"), _own("report.js")
    page = (
        _environment()
        .get_template("report.html.j2")
        .render(
            findings=findings,
            campaigns=by_certainty(findings.campaigns),
            authorised=by_certainty(findings.authorised),
            cleared=by_certainty(findings.cleared),
            headline=prose.headline(findings),
            standfirst=prose.standfirst(findings),
            certainty=prose.certainty(findings),
            requested=prose.requested(findings),
            figures=prose.figures(findings),
            ties_drawn=TIES,
            css=css,
            script=script,
            policy=_policy(css, script),
        )
    )
    return page.encode("utf-8")


def slots(skeleton: str) -> list[tuple[str, bool]]:
    """A template's skeleton cut at its slots: pieces of text, each with whether it is a slot (``‹…›``)."""
    return [(piece, bool(_SLOT.fullmatch(piece))) for piece in _SLOT.split(words.printable(skeleton)) if piece]


def _own(name: str) -> Markup:
    """A file of ours, trusted as it is."""
    return Markup((_HERE / name).read_text(encoding="utf-8"))  # noqa: S704


def _policy(css: str, script: str) -> str:
    """Content-Security-Policy (level 3): our style and our script by hash, nothing from anywhere else."""
    return (
        f"default-src 'none'; style-src {_hash(css)}; script-src {_hash(script)}; img-src data:; "
        "base-uri 'none'; form-action 'none'; require-trusted-types-for 'script'"
    )


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def _show(value: object) -> object:
    """What every ``{{ }}`` passes through before it is escaped."""
    if not isinstance(value, str) or isinstance(value, Markup):
        return value
    return _UNIT.sub("\xa0", words.printable(value))


def _stamp(moment: datetime) -> str:
    return f"{words.utc(moment):%Y-%m-%d %H:%M}"


@lru_cache(maxsize=1)
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(_HERE),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_show,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    shown = (words.large, words.listed, words.p_value, words.odds, words.percent, words.plural, words.printable)
    told = (words.score, words.days, words.minute, words.span, prose.title, prose.reasons, prose.answers)
    drawn = (
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
    for function in (*shown, *told, *drawn, prose.technique):
        environment.filters[function.__name__] = function
    environment.filters["stamp"] = _stamp
    return environment
