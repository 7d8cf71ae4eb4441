"""The models beside each other: what each credits to the campaigns, as stored and as other settings would have it.

What belongs here: revenue by campaign and model over some days. What does not: how it is shown (cli_models.py).
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from psycopg import Connection, sql
from psycopg.rows import dict_row

from trackai_pipelines.campaigns.credit import divide
from trackai_pipelines.campaigns.credit_models import MODELS
from trackai_pipelines.campaigns.journeys import CLICKS, find_touches
from trackai_pipelines.database.statements import statement

if TYPE_CHECKING:
    from trackai_pipelines.lifecycle.archive.manifest import Archive
    from trackai_pipelines.lifecycle.archive.store import Store

# As the archives' clicks are read.
_COLUMNS = (
    *("tenant_id", "id", "created_at", "ingested_at", "fbclid", "fbc", "fbp"),
    *("utm_source", "utm_medium", "utm_campaign", "utm_content", "utm_term"),
)
_SKEW = timedelta(minutes=5)
_BATCH = 10_000


@dataclass(frozen=True)
class CampaignModels:
    """What a campaign cost and was credited with in one currency."""

    campaign_id: str
    currency: str
    spend: Decimal | None
    revenue: Mapping[str, Decimal]
    """By model."""


@dataclass
class Credited:
    """What some journeys credit: revenue by (currency, campaign) and model."""

    touches: int = 0
    revenue: dict[tuple[str, str], dict[str, Decimal]] = field(default_factory=dict)

    def add(self, rows: Iterable[tuple[str, str, str, Decimal, int]]) -> None:
        """Add rows of (campaign, currency, model, revenue, touches)."""
        for campaign, currency, model, revenue, touches in rows:
            of_campaign = self.revenue.setdefault((currency, campaign), dict.fromkeys(MODELS, Decimal(0)))
            of_campaign[model] += revenue
            self.touches += touches if model == "matched" else 0


def models_of_days(connection: Connection[Any], tenant_id: str, from_day: date, to_day: date) -> list[CampaignModels]:
    """Return a tenant's campaigns over the UTC days `from_day` to `to_day`, by currency and matched revenue."""
    with connection.cursor(row_factory=dict_row) as cursor:
        rows = cursor.execute(
            statement("campaigns/models_of_days"), {"tenant_id": tenant_id, "from_day": from_day, "to_day": to_day}
        ).fetchall()
    return [CampaignModels(revenue={model: row.pop(model) for model in MODELS}, **row) for row in rows]


def what_if(
    connection: Connection[Any],
    store: "Store",
    tenant_id: str,
    from_day: date,
    to_day: date,
    *,
    lookback_days: int | None = None,
    half_life_hours: Decimal | None = None,
) -> tuple[Credited, Credited]:
    """Return what the sales of these UTC days are credited with as stored, and with another window or half-life.

    With `lookback_days` journeys are found again, also from archived clicks: by click and browser ids, and by contact
    hashes where both are still in the database. Without it stored touches stay. Nothing is written. Raises
    ArchiveDamaged where a needed file does not read, and ValueError for an empty range.
    """
    if to_day < from_day:
        raise ValueError(f"the range of days is empty: {from_day} is after {to_day}; swap them")
    before, after = Credited(), Credited()
    of_days = {"tenant_id": tenant_id, "from_day": from_day, "to_day": to_day}
    before.add(connection.execute(statement("campaigns/credited_before"), of_days))
    with connection.transaction(force_rollback=True):
        clicks = CLICKS
        if lookback_days is not None:
            clicks = _with_archived(connection, store, tenant_id, from_day, to_day, lookback_days)
        for offset in range((to_day - from_day).days + 1):
            day = from_day + timedelta(days=offset)
            find_touches(
                connection,
                tenant_id,
                day,
                journey_days=lookback_days,
                keep="all" if lookback_days is None else "none",
                clicks=clicks,
            )
            divide(connection, tenant_id, day, half_life_hours=half_life_hours)
            after.add(connection.execute(statement("campaigns/credited_now"), {"tenant_id": tenant_id}))
    return before, after


def _with_archived(
    connection: Connection[Any], store: "Store", tenant_id: str, from_day: date, to_day: date, lookback_days: int
) -> sql.Identifier:
    """Return a relation with all clicks of the tenant in these days' windows, wherever they are."""
    from trackai_pipelines.lifecycle.archive.manifest import archives

    since = datetime.combine(from_day, time(), UTC) - timedelta(days=lookback_days)
    until = datetime.combine(to_day + timedelta(days=1), time(), UTC) + _SKEW
    files = [
        file
        for file in archives(connection, "clicks", states=("verified", "dropped"))
        if file.dropped_at and since.date() <= file.day <= until.date()
    ]
    connection.execute(statement("campaigns/archived_clicks"))
    copy = sql.SQL("COPY archived_clicks ({}) FROM STDIN").format(sql.SQL(", ").join(map(sql.Identifier, _COLUMNS)))
    with connection.cursor() as cursor, cursor.copy(copy) as rows:
        for row in _archived(store, files, tenant_id):
            rows.write_row(row)
    connection.execute(statement("campaigns/forget_present_clicks"))
    connection.execute("ANALYZE archived_clicks")
    connection.execute(statement("campaigns/all_clicks"))
    return sql.Identifier("pg_temp", "all_clicks")


def _archived(store: "Store", files: Sequence["Archive"], tenant_id: str) -> Iterator[tuple[Any, ...]]:
    """Yield the tenant's clicks in these files."""
    import duckdb

    from trackai_pipelines.lifecycle.archive.reader import archive_reader, readable
    from trackai_pipelines.lifecycle.archive.store import ArchiveDamaged

    if not files:
        return
    try:
        with archive_reader(store) as duck:
            query = statement("campaigns/duckdb/archived_clicks")
            found = duck.execute(query, {"paths": readable(store, files), "tenant": tenant_id})
            while rows := found.fetchmany(_BATCH):
                yield from rows
    except (duckdb.IOException, duckdb.InvalidInputException, FileNotFoundError) as error:
        raise ArchiveDamaged(
            f"An archive does not read: {error}. Bring the file back from a copy; nothing was changed."
        ) from error
