import io
import re
import shlex
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from stillwatch.console import print_summary, result_line
from stillwatch.schema.campaign import Findings
from tests.console.hostile import PAYLOAD, replaced
from tests.console.samples import nothing_found, sample_findings, small_campaign

FINDINGS = sample_findings(80)


def shown(
    findings: Findings, width: int = 110, encoding: str = "utf-8", report: Path | None = None, **options: Any
) -> str:
    """What a terminal of ``width`` columns receives, byte for byte."""
    file = io.TextIOWrapper(io.BytesIO(), encoding=encoding, newline="")
    print_summary(findings, Console(file=file, width=width, **options), report)
    file.seek(0)
    return file.read()


def test_it_says_what_the_report_says() -> None:
    text = " ".join(shown(FINDINGS, report=Path("out/report.html")).split())
    for part in (
        "Two coordinated extraction campaigns found",
        "false-discovery rate of 1 %", "c-08d1b3", "work queue", "1.2 × 10⁻⁶⁴",
        "Ruled out: authorised programme", "How sure: Sure of the replay", "Would change the verdict", "Not measured",
        "40 accounts (c-a1): authorised programme", "212 accounts (c-k1): classroom", "Artifacts too common",
        "17 rows could not be read", "Calibration: nulls drawn", "Report: out/report.html",
    ):  # fmt: skip
        assert part in text


def test_nothing_found() -> None:
    text = " ".join(shown(nothing_found(), report=Path("r.html")).split())
    assert text.startswith("No coordinated extraction found 1,204 requests from 88 accounts")
    assert "Report: r.html" in text
    assert "rejects" not in text


@pytest.mark.parametrize("width", [20, 40, 79, 90, 160])
@pytest.mark.parametrize("found", [FINDINGS, nothing_found()])
def test_no_line_is_wider_than_the_terminal(width: int, found: Findings) -> None:
    assert max(map(len, shown(found, width).splitlines())) <= width


def test_a_narrow_terminal_gets_lists_and_a_wide_one_tables() -> None:
    assert "What was measured" in shown(FINDINGS, 120)
    assert "What was measured" not in shown(FINDINGS, 60)
    assert "(p = 1.2 × 10⁻⁶⁴)" in " ".join(shown(FINDINGS, 60).split())


@pytest.mark.parametrize("width", [60, 120])
def test_nothing_that_accounts_sent_drives_the_terminal(width: int) -> None:
    text = shown(replaced(FINDINGS, PAYLOAD), width)
    assert all(char.isprintable() or char == "\n" for char in text)
    assert "[red]bold[/red]" in text.replace("\n", "").replace(" ", "")


def test_colour_is_asked_for_and_not_forced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert "\x1b[1;31m" in shown(FINDINGS, force_terminal=True, color_system="standard", legacy_windows=False)
    monkeypatch.setenv("NO_COLOR", "1")
    styles = re.findall(r"\x1b\[([\d;]*)m", shown(FINDINGS, force_terminal=True, legacy_windows=False))
    assert not any(code.split(";")[-1].startswith(("3", "4", "9")) and len(code.split(";")[-1]) > 1 for code in styles)
    assert "\x1b" not in shown(FINDINGS)


def test_a_terminal_that_knows_only_ascii_still_gets_everything() -> None:
    text = shown(FINDINGS, encoding="ascii")
    assert "1.2 \\xd7 10" in text
    assert "Calibration" in text


def test_many_campaigns_are_told_in_part_and_counted_in_full() -> None:
    many = tuple(replace(small_campaign(), id=f"c-{n:03d}", q_value=n / 1e6) for n in range(30))
    text = shown(replace(FINDINGS, campaigns=many))
    assert "5 of 30 · c-004" in text
    assert "c-005: 8 accounts acting as one" in text
    assert "and 20 more in the report" in text


def test_the_line_for_scripts() -> None:
    line = result_line(FINDINGS, Path("my out/report.html"))
    facts = dict(word.split("=", 1) for word in shlex.split(line)[1:])
    assert (facts["campaigns"], facts["accounts"], facts["fdr"]) == ("2", "88", "0.01")
    assert (facts["authorised"], facts["cleared"], facts["rejects"]) == ("1", "2", "17")
    assert facts["report"] == "my out/report.html"
    assert result_line(nothing_found()).startswith("stillwatch campaigns=0 accounts=0 requests=0 output_tokens=0 ")


def test_the_line_stays_one_line() -> None:
    assert result_line(FINDINGS, Path("a\nb\x1b[2J")).isprintable()


def test_simulated_traffic_and_what_others_named_are_said_and_else_nothing_is() -> None:
    names = tuple(f"indicator--{n}" for n in range(7))
    campaign = replace(small_campaign(), put_forward_by=names)
    told = " ".join(shown(replace(FINDINGS, campaigns=(campaign,), simulated=True)).split())
    assert "accuse nobody" in told and "7 indicators of other members" in told and "no evidence" in told
    assert names[0] in told and names[6] not in told
    plain = shown(FINDINGS)
    assert "simulated" not in plain and "other members" not in plain
    assert result_line(replace(FINDINGS, simulated=True)).endswith("simulated=yes")
    assert "simulated" not in result_line(FINDINGS)


@pytest.mark.parametrize("width", [60, 80, 100, 140])
def test_lines_fit_the_terminal_and_what_goes_on_stands_under_its_beginning(width: int) -> None:
    long = tuple(f"signal {n}: " + "a field that the log has not " * 6 for n in range(3))
    text = shown(replace(FINDINGS, abstained=long), width)
    assert all(len(line) <= width for line in text.splitlines())
    lines = text.split("Signals that could not run\n")[1].split("\n\n")[0].splitlines()
    assert sum(line.startswith("  - signal") for line in lines) == 3
    assert all(line.startswith(("  - ", "    ")) and line == line.rstrip() for line in lines)
    assert [" ".join(item.split()) for item in "\n".join(lines).split("  - ")[1:]] == [item.strip() for item in long]
