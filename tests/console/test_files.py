from pathlib import Path

import pytest

from stillwatch.console import campaigns_json, files, findings_json, report_html, write_findings
from tests.console.samples import nothing_found, sample_findings


def test_the_files_of_a_run(tmp_path: Path) -> None:
    findings = sample_findings(30)
    assert write_findings(findings, tmp_path) == tmp_path / "report.html"
    written = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert written == {
        "campaigns.json": campaigns_json(findings),
        "findings.json": findings_json(findings),
        "report.html": report_html(findings),
    }


def test_what_stood_there_is_replaced_whole_or_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_findings(nothing_found(), tmp_path)
    before = (tmp_path / "report.html").read_bytes()

    def full_disk(path: Path, target: Path) -> Path:
        raise OSError("no space left on device")

    monkeypatch.setattr(files.Path, "replace", full_disk)
    with pytest.raises(OSError, match="no space"):
        write_findings(sample_findings(30), tmp_path)
    assert (tmp_path / "report.html").read_bytes() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["campaigns.json", "findings.json", "report.html"]
