"""The files of a run that are written from its findings: ``campaigns.json``, ``findings.json`` and ``report.html``."""

from pathlib import Path

from stillwatch.console.findings_json import campaigns_json, findings_json
from stillwatch.console.report import report_html
from stillwatch.schema.campaign import Findings
from stillwatch.storage.files import write_whole


def write_findings(findings: Findings, folder: Path) -> Path:
    """Write the three files into ``folder``, which exists, and give the path of the report.

    Raises:
        OSError: the folder cannot be written.
    """
    files = {
        "campaigns.json": campaigns_json(findings),
        "findings.json": findings_json(findings),
        "report.html": report_html(findings),
    }
    write_whole(folder, files)
    return folder / "report.html"
