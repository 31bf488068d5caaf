import base64
import hashlib
import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from stillwatch.console import audit_report
from stillwatch.console.audit_report import audit_html, audit_json, headline, print_audit, write_audit
from stillwatch.forum.ledger.audit import Audit
from stillwatch.forum.ledger.conduct import Remark
from tests.forum.ledger.story import Story, audited, honest, opening, released

HOSTILE = "</style><script>alert(1)</script>\x1b[31m\u202e"


@pytest.fixture
def audit(tmp_path: Path) -> Audit:
    return audited(Story().tell(honest()).export(tmp_path / "log", [opening("i2"), opening("i4")]))


def _printed(audit: Audit) -> str:
    out = StringIO()
    print_audit(audit, Console(file=out, width=200, color_system=None))
    return out.getvalue()


def test_every_figure_of_the_story(audit: Audit) -> None:
    text = " ".join(_printed(audit).split())
    assert "5 objects submitted, 3 shared, 2 withheld, 0 waiting for counsel." in text
    assert "1 recall, 0 acknowledgements missing." in text
    assert "1 pseudonym looked up, 1 appeal made." in text
    assert headline(audit) == "The log holds, as far as it was examined"  # no earlier checkpoint was at hand


def test_a_failure_is_the_headline(tmp_path: Path) -> None:
    audit = audited(Story().tell([*honest(), released("i9", 9, 9)]).export(tmp_path))
    assert headline(audit) == "1 check of the log failed"
    assert "✗ Nothing was decided on, shared or recalled that had not been submitted: failed" in _printed(audit)
    page = audit_html(audit).decode()
    assert "<mark><b>failed</b></mark>" in page
    assert "item i9 was never submitted" in page


def test_what_a_log_says_is_escaped_everywhere(audit: Audit) -> None:
    check = replace(audit.checks[0], outcome="failed", remarks=(Remark("signed", 1, HOSTILE),))
    shared = replace(audit.shared[0], object=HOSTILE)
    resolved = ({**audit.resolved[0], "reason": HOSTILE},)
    bad = replace(audit, origin=HOSTILE, checks=(check,), shared=(shared,), resolved=resolved)
    for text in (audit_html(bad).decode(), _printed(bad)):
        assert "\x1b" not in text
        assert "\u202e" not in text
    assert "<script" not in audit_html(bad).decode()
    assert "\\u202e" in _printed(bad)


def test_the_page_is_whole_and_runs_nothing(audit: Audit) -> None:
    page = audit_html(audit).decode()
    style = re.search(r"<style>(.*?)</style>", page, re.S)[1]  # type: ignore[index]
    assert base64.b64encode(hashlib.sha256(style.encode()).digest()).decode() in page
    assert not re.search(r"https?://|src=|url\(|<script", page)
    opened: list[str] = []
    void = {"meta", "link", "br"}

    class Balance(HTMLParser):
        def handle_starttag(self, tag: str, attrs: object) -> None:
            if tag not in void:
                opened.append(tag)

        def handle_endtag(self, tag: str) -> None:
            assert opened.pop() == tag

    Balance().feed(page)
    assert not opened
    for section in ("What was checked", "What was shared", "Who did what", "What this does not show", "court-order"):
        assert section in page


def test_long_tables_are_cut_and_say_so(audit: Audit, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit_report, "ROWS", 2)
    page = audit_html(audit).decode()
    assert "the first 2 of 3; all are in audit.json" in page
    assert len(json.loads(audit_json(audit))["shared"]) == 3


def test_equal_audits_give_equal_files(audit: Audit, tmp_path: Path) -> None:
    first, second = write_audit(audit, tmp_path / "a"), write_audit(audit, tmp_path / "b")
    assert first.read_bytes() == second.read_bytes()
    assert sorted(each.name for each in (tmp_path / "a").iterdir()) == ["audit.html", "audit.json"]
    assert json.loads((tmp_path / "a" / "audit.json").read_text("utf-8"))["format"] == "stillwatch-audit/1"
