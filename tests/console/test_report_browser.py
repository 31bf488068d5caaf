"""The report in a real Chromium, where one is installed: what runs, what does not, and what the table does."""

import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from stillwatch.console import report_html
from tests.console.hostile import PAYLOAD, replaced
from tests.console.samples import large_campaign, nothing_found, sample_findings, small_campaign

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on PATH")

FLAGS = (
    "--headless --no-sandbox --disable-gpu --disable-dev-shm-usage --disable-quic --no-first-run --disable-sync "
    "--disable-background-networking --disable-component-update --enable-logging=stderr --virtual-time-budget=4000"
).split()


DRIVER = """
const table = document.querySelector(".accounts");
const box = table.querySelector("input");
const press = (selector) => table.querySelector(selector).click();
const enter = (text) => { box.value = text; box.dispatchEvent(new Event("input")); };
const note = (name) => {
  const said = ({ cells }) => cells[0].textContent + "=" + cells[4].textContent;
  const rows = [...table.querySelectorAll("tbody tr")].map(said);
  const line = document.createElement("p");
  line.textContent = [name, table.querySelector("output").textContent, rows.join(" "), ""].join("|");
  document.body.append(line);
};
press('th[data-key="tokens"] button'); note("most");
press('th[data-key="tokens"] button'); note("least");
press(".pager button:last-child"); note("second");
enter("WANTED");
setTimeout(() => { note("one"); enter("no such account"); setTimeout(() => note("none"), 500); }, 500);
"""


def opened(page: bytes, folder: Path, *flags: str) -> tuple[str, list[str]]:
    """The document after its scripts ran, and what the page wrote to the console."""
    path = folder / "report.html"
    path.write_bytes(page)
    done = subprocess.run(
        [str(CHROMIUM), *FLAGS, f"--user-data-dir={folder / 'profile'}", *flags, "--dump-dom", path.as_uri()],
        capture_output=True, encoding="utf-8", timeout=60, check=True,
    )  # fmt: skip
    return done.stdout, [line for line in done.stderr.splitlines() if "CONSOLE" in line]


def driven(page: bytes, script: str) -> bytes:
    """``page`` with a script of the test's own, which the page's policy would rightly refuse."""
    unguarded = re.sub(rb'<meta http-equiv="Content-Security-Policy"[^>]*>', b"", page)
    return unguarded.replace(b"</body>", f"<script>{script}</script></body>".encode())


def test_the_page_runs_without_complaint(tmp_path: Path) -> None:
    document, complaints = opened(report_html(sample_findings(2000)), tmp_path)
    assert complaints == []
    assert "1–25 of 2,000" in document
    assert document.count('type="search"') == 2


def test_hostile_strings_run_nothing(tmp_path: Path) -> None:
    document, complaints = opened(report_html(replaced(sample_findings(40), PAYLOAD)), tmp_path)
    assert "data-owned" not in document.split("<body", 1)[0]
    assert "<img" not in document
    assert complaints == []  # nothing even tried and was refused
    assert "1–25 of 40" in document  # and our own script ran


def test_the_policy_refuses_what_escaping_would_have_missed(tmp_path: Path) -> None:
    hole = report_html(nothing_found()).replace(b"</main>", PAYLOAD.encode() + b"</main>")
    document, complaints = opened(hole, tmp_path)
    assert "data-owned" not in document.split("<body", 1)[0]
    assert any("Content Security Policy" in line for line in complaints)


def test_the_payload_is_one_that_works_where_nothing_stops_it(tmp_path: Path) -> None:
    document, _ = opened(b"<!doctype html><html><body>" + PAYLOAD.encode(), tmp_path)
    assert "data-owned" in document.split("<body", 1)[0]


def test_sorting_filtering_and_paging(tmp_path: Path) -> None:
    campaign = large_campaign(300)
    script = DRIVER.replace("WANTED", campaign.accounts[7].upper())
    document, _ = opened(driven(report_html(replace(nothing_found(), campaigns=(campaign,))), script), tmp_path)
    notes = {
        name: (status, rows.split()) for name, status, rows in re.findall(r"<p>(\w+)\|([^|]*)\|([^|]*)\|</p>", document)
    }
    by_tokens = sorted(campaign.members, key=lambda m: m.output_tokens)
    said = [f"{m.account_id}={m.output_tokens:,}" for m in by_tokens]
    assert notes["most"] == ("1–25 of 300", said[::-1][:25])
    assert notes["least"] == ("1–25 of 300", said[:25])
    assert notes["second"] == ("26–50 of 300", said[25:50])
    assert notes["one"][0] == "1–1 of 1"
    assert notes["one"][1][0].startswith(campaign.accounts[7])
    assert notes["none"] == ("No account matches", [])


def test_the_script_shows_the_same_first_rows_as_the_page_without_it(tmp_path: Path) -> None:
    page = report_html(replace(nothing_found(), campaigns=(large_campaign(80),)))
    table = re.compile(r"<tbody>(?:(?!</tbody>).)*acct_.*?</tbody>", re.DOTALL)
    strip = re.compile(r"<[^>]+>")
    document, _ = opened(page, tmp_path)
    after = strip.sub(" ", table.findall(document.split('class="accounts"')[1])[0]).split()
    before = strip.sub(" ", table.findall(page.decode().split('class="accounts"')[1])[0]).split()
    assert after == before


WIDTHS = """
const line = document.createElement("p");
const all = [document.documentElement, ...document.querySelectorAll(".scroll")];
const wide = all.filter((e) => e.scrollWidth > e.clientWidth);
line.textContent = `wide|${wide.map((e) => [e.getAttribute("aria-label"), e.scrollWidth, e.clientWidth]).join(", ")}|`;
document.body.append(line);
"""


@pytest.mark.parametrize("width", [800, 1280, 1920])
def test_nothing_has_to_be_scrolled_sideways(tmp_path: Path, width: int) -> None:
    document, _ = opened(driven(report_html(sample_findings(400)), WIDTHS), tmp_path, f"--window-size={width},900")
    assert re.findall(r"<p>wide\|(.*?)\|</p>", document) == [""]


FOLDS = """
const note = (name) => {
  const line = document.createElement("p");
  const told = [...document.querySelectorAll(".accounts tbody tr")].map((row) => {
    const fold = row.querySelector("details");
    const words = [...row.lastChild.querySelectorAll("bdi")].map((part) => part.textContent);
    return [row.cells[0].textContent, fold ? (fold.open ? "open" : "closed") : "none", ...words].join(">");
  });
  line.textContent = [name, ...told, ""].join("|");
  document.body.append(line);
};
note("before");
const box = document.querySelector(".accounts input");
box.value = "MAIL DOMAIN";
box.dispatchEvent(new Event("input"));
setTimeout(() => note("after"), 500);
"""


def test_of_what_an_account_shares_the_rest_is_folded_until_it_is_looked_for(tmp_path: Path) -> None:
    campaign = small_campaign()
    ties = ("card issuer 4571", "template t-1", "address 192.0.2.0/24", "mail domain a.example", "order of headers x")
    members = tuple(replace(m, ties=ties[: 2 + 3 * (n == 0)]) for n, m in enumerate(campaign.members))
    page = report_html(replace(nothing_found(), campaigns=(replace(campaign, members=members),)))
    document, _ = opened(driven(page, FOLDS), tmp_path)
    rows = {
        name: {row.split("&gt;")[0]: row.split("&gt;")[1:] for row in told.split("|")}
        for name, told in re.findall(r"<p>(before|after)\|(.*?)\|</p>", document)
    }
    folded, first = "; ".join(ties[3:]), campaign.members[0].account_id
    assert rows["before"][first] == ["closed", "; ".join(ties[:3]), folded]
    assert len(rows["before"]) == len(members)
    assert all(row == ["none", "; ".join(ties[:2])] for name, row in rows["before"].items() if name != first)
    assert rows["after"] == {first: ["open", "; ".join(ties[:3]), folded]}


def test_a_print_has_the_heads_of_the_accounts_table(tmp_path: Path) -> None:
    """Chromium leaves buttons out where it repeats a table's head on the next page; what stands there is the name."""
    document, _ = opened(report_html(sample_findings(60)), tmp_path)
    heads = re.findall(r'<th[^>]* data-name="([^"]+)"[^>]*><button type="button">([^<]+)</button>', document)
    assert len(heads) == 2 * 7
    assert all(name == shown for name, shown in heads)
    assert "th[data-name]::before { content: attr(data-name); }" in document
