"""Where reports are kept, and which days they cover by default.

What belongs here: names of files, the default period. What does not: writing a page (`page.py`).
"""

from datetime import date, timedelta
from pathlib import Path

from trackai_pipelines.domain import Period

DAYS = 30
"""How many days a report covers unless it is asked for others."""


def period_to(last: date) -> Period:
    """Return the default period that ends with a day."""
    return Period(last - timedelta(days=DAYS - 1), last)


def path_of_night(home: Path, last: date) -> Path:
    """Return where the nightly report is kept whose period ends with a day."""
    return home / "reports" / f"report-{last}.html"


def path_of(home: Path, period: Period) -> Path:
    """Return where a report that somebody asked for is kept; the same request replaces it."""
    of_tenant = f"-{period.tenant}" if period.tenant else ""
    return home / "reports" / f"report-{period.first}-to-{period.last}{of_tenant}.html"
