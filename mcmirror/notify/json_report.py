"""Reports as one JSON document for ``--report-json``."""

import json
from collections.abc import Iterable

from mcmirror.model.document import report_document
from mcmirror.model.report import RunReport


def json_report(reports: Iterable[RunReport]) -> str:
    """Return one document, ``{"reports": [...]}``, one report a job."""
    document = {"reports": [report_document(report) for report in reports]}
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"
