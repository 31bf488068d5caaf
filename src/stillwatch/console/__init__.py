"""What a person sees: the report, the terminal summary, and the JSON that stands beside them."""

from stillwatch.console.files import write_findings
from stillwatch.console.findings_json import by_certainty, campaigns_json, findings_json
from stillwatch.console.report import report_html
from stillwatch.console.terminal import print_summary, result_line

__all__ = [
    "by_certainty",
    "campaigns_json",
    "findings_json",
    "print_summary",
    "report_html",
    "result_line",
    "write_findings",
]
