"""Delivery in the report: where the events of the period's sales are, why, and which keys they carry."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Any

from psycopg import Connection

from trackai_pipelines.database.statements import statement
from trackai_pipelines.delivery.account import Account, Place, account_for
from trackai_pipelines.delivery.coverage import Coverage, coverage_of_days
from trackai_pipelines.domain import Period, Section

# What Meta matches people by, in the order of the columns.
KEYS: Mapping[str, str] = {
    "em": "E-mail",
    "ph": "Phone",
    "fbc": "fbc",
    "fbp": "fbp",
    "client_ip_address": "IP",
    "client_user_agent": "User agent",
    "external_id": "External id",
}


@dataclass(frozen=True, slots=True)
class _Delivery:
    name: str
    # Events by place: sent, waiting, failed, sandbox, not_due, unexplained.
    places: Mapping[str, int]
    # Share of the sent events that carry a key, 0 to 1; None where none was sent.
    shares: Mapping[str, float | None]


def section() -> Section:
    """Return the section."""
    return Section(title="Delivery", template=Path(__file__).with_name("section.html"), data=data, figures=figures)


def data(connection: Connection[Any], period: Period) -> Mapping[str, Any]:
    """Return what the template shows of the sales of the period."""
    names: dict[str, str] = dict(connection.execute(statement("delivery/tenant_names")).fetchall())
    account = account_for(
        connection,
        datetime.combine(period.first, time(), UTC),
        before=datetime.combine(period.last + timedelta(days=1), time(), UTC),
        tenant=period.tenant,
    )
    return shown(names, account, coverage_of_days(connection, period.first, period.last))


def shown(names: Mapping[str, str], account: Account, coverage: Sequence[Coverage]) -> Mapping[str, Any]:
    """Return what the template shows; `names` are the tenants' by slug, in the order of the page."""
    totals = account.totals
    return {
        "places": totals,
        # Few ever use the sandbox.
        "columns": ("sent", "waiting", "failed", *(("sandbox",) if totals["sandbox"] else ()), "not_due"),
        "deliveries": _deliveries(names, account.places, coverage),
        "reasons": sorted((place for place in account.places if place.place != "sent"), key=lambda one: -one.events),
        "keys": KEYS,
    }


def figures(data: Mapping[str, Any]) -> Mapping[str, int | float | None]:
    """Return the figure at the head of the page."""
    return {"delivered to Meta's API": data["places"]["sent"]}


def _deliveries(names: Mapping[str, str], places: Sequence[Place], coverage: Sequence[Coverage]) -> list[_Delivery]:
    """What became of the events of each tenant that has any."""
    found = []
    for slug, name in names.items():
        own: Counter[str] = Counter()
        for place in places:
            if place.slug == slug:
                own[place.place] += place.events
        covered = [day for day in coverage if day.slug == slug]
        events = sum(day.events for day in covered)
        carrying = {key: sum(day.carrying.get(key, 0) for day in covered) for key in KEYS}
        if own:
            found.append(_Delivery(name, own, {key: carrying[key] / events if events else None for key in KEYS}))
    return found
