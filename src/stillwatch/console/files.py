"""The files of a run that are written from its findings: ``campaigns.json``, ``findings.json`` and ``report.html``."""

import os
from pathlib import Path

from stillwatch.console.findings_json import campaigns_json, findings_json
from stillwatch.console.report import report_html
from stillwatch.schema.campaign import Findings


def write_findings(findings: Findings, folder: Path) -> Path:
    """Write the three files into ``folder``, which exists, and give the path of the report.

    Each file is replaced whole or not at all, so that a reader never meets half of one.
    Raises ``OSError`` where the folder cannot be written.
    """
    report = folder / "report.html"
    for path, content in (
        (folder / "campaigns.json", campaigns_json(findings)),
        (folder / "findings.json", findings_json(findings)),
        (report, report_html(findings)),
    ):
        partial = path.with_name(f".{path.name}.{os.getpid()}")
        try:
            partial.write_bytes(content)
            partial.replace(path)
        finally:
            partial.unlink(missing_ok=True)
    return report
