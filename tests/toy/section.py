"""Calls in the report."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from psycopg import Connection
from toy.calls import calls_and_seconds

from trackai_pipelines.domain import Period, Section


def section() -> Section:
    """Return the section."""
    return Section(title="Hotline", template=Path(__file__).with_name("section.html"), data=_data)


def _data(connection: Connection[Any], period: Period) -> Mapping[str, Any]:
    calls, seconds = calls_and_seconds(connection, period.tenant)
    return {"calls": calls, "seconds": seconds, "tenant": period.tenant or "<everybody>"}
