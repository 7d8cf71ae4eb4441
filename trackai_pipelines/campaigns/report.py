"""Reports on a tenant's campaigns over some days, as lines for people and programs.

What belongs here: reading figures and adding them up. What does not: computing figures, and how a report is printed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from psycopg import Connection
from psycopg.rows import dict_row

from trackai_pipelines.campaigns.credit_models import MODELS
from trackai_pipelines.database.statements import statement

BY = ("campaign", "channel")


class NoReportError(Exception):
    """What was asked for cannot be shown; the text says why, and what to do."""


@dataclass(frozen=True, kw_only=True)
class ReportLine:
    """A campaign, or a channel; None is unknown."""

    name: str
    currency: str | None = None
    spend: Decimal | None = None
    impressions: int | None = None
    ad_clicks: int | None = None
    unique_clicks: int | None = None
    sales: Decimal | None = None
    revenue: Decimal | None = None
    claimed: Decimal | None = None
    sent: int | None = None

    @property
    def arrived(self) -> float | None:
        """Share of the platforms' clicks that arrived here."""
        return self.unique_clicks / self.ad_clicks if self.unique_clicks is not None and self.ad_clicks else None

    @property
    def roas(self) -> Decimal | None:
        """Revenue / spend."""
        return self.revenue / self.spend if self.revenue is not None and self.spend else None


@dataclass(frozen=True, kw_only=True)
class CampaignReport:
    """Lines by spend and revenue, and their total."""

    tenant: str
    from_day: date
    to_day: date
    model: str
    by: str
    days: str
    """What the days are of: `sale`, `click` or a time zone."""
    lines: Sequence[ReportLine]
    total: ReportLine
    matched: int
    """The matched sales of daily_match_rates over the same days."""

    @property
    def currency(self) -> str | None:
        """The currency of all amounts, where it is one."""
        return self.total.currency

    @property
    def has_costs(self) -> bool:
        """Whether costs belong to the lines."""
        return self.by == "campaign"

    @property
    def has_claims(self) -> bool:
        """Whether claims of the platforms stand next to sales of the same days."""
        return self.has_costs and self.days == "sale"

    def agreement(self) -> str:
        """Say how the total compares with the match rates."""
        if self.days != "sale":
            which = "clicks" if self.days == "click" else f"{self.days}, from hourly figures"
            return f"Days are those of {which}; daily_match_rates has {self.matched:,} matched sales of these UTC days."
        if self.total.sales == self.matched:
            return f"All {self.matched:,} sales: the matched sales of daily_match_rates."
        return (
            f"daily_match_rates has {self.matched:,} matched sales: one of the two is not computed yet. Run "
            f"`trackai aggregate` and `trackai campaigns aggregate` with --from {self.from_day} --to {self.to_day}."
        )

    def plain(self) -> dict[str, Any]:
        """Return all of it as plain data."""
        lines = [
            {**asdict(line), "arrived": line.arrived, "roas": None if line.roas is None else round(line.roas, 4)}
            for line in (*self.lines, self.total)
        ]
        of = {"tenant": self.tenant, "from": self.from_day, "to": self.to_day, "model": self.model, "days": self.days}
        return {**of, f"{self.by}s": lines[:-1], "all": lines[-1], "matched": self.matched}


def report_on(
    connection: Connection[Any],
    tenant: str,
    from_day: date,
    to_day: date,
    *,
    model: str = "matched",
    by: str = "campaign",
    click_day: bool = False,
    time_zone: str | None = None,
) -> CampaignReport:
    """Return the report of a tenant (slug or id) over the days, both ends included. Raises NoReportError."""
    if model not in MODELS:
        raise NoReportError(f"there is no model {model}: choose one of {', '.join(MODELS)}")
    if by not in BY:
        raise NoReportError(f"there are no lines by {by}: choose campaign or channel")
    if time_zone and (click_day or by != "campaign" or model != "matched"):
        raise NoReportError("hourly figures have matched sales of campaigns only: leave out --time-zone, or the others")
    tenant_id = _tenant(connection, tenant, time_zone)
    given = {
        "tenant_id": tenant_id,
        "from_day": from_day,
        "to_day": to_day,
        "model": model,
        "by": by,
        "time_zone": time_zone,
    }
    lines = _lines(
        connection, given, plain=by == "campaign" and not click_day and model == "matched", click_day=click_day
    )
    matched = connection.execute(statement("campaigns/report_matched"), given).fetchone()
    assert matched is not None
    return CampaignReport(
        tenant=tenant,
        from_day=from_day,
        to_day=to_day,
        model=model,
        by=by,
        days=time_zone or ("click" if click_day else "sale"),
        lines=sorted(lines, key=lambda line: (-(line.spend or 0), -(line.revenue or 0), -(line.sales or 0), line.name)),
        total=_total(lines),
        matched=matched[0],
    )


def _tenant(connection: Connection[Any], tenant: str, time_zone: str | None) -> str:
    given = {"tenant": tenant, "time_zone": time_zone}
    found = connection.execute(statement("campaigns/report_tenant"), given).fetchone()
    if found is None:
        raise NoReportError(f"there is no tenant {tenant}: `trackai tenant list` shows them")
    tenant_id, zone_is_known = found
    if not zone_is_known:
        raise NoReportError(f"there is no time zone {time_zone}: name one as IANA does, e.g. America/Sao_Paulo")
    return str(tenant_id)


def _lines(connection: Connection[Any], given: Mapping[str, Any], *, plain: bool, click_day: bool) -> list[ReportLine]:
    if given["time_zone"]:
        return _read(connection, "campaigns/report_hours", given)
    of_campaigns = _read(connection, "campaigns/report_campaigns", given) if given["by"] == "campaign" else []
    if plain:
        return of_campaigns
    credit = _read(connection, "campaigns/report_click_days" if click_day else "campaigns/report_credit", given)
    by_name = {line.name: line for line in credit}
    nothing = ReportLine(name="", sales=Decimal(0), revenue=Decimal(0))
    costs = {line.name: line for line in of_campaigns}
    return [_credited(costs.get(name), by_name.get(name, nothing), name) for name in {**costs, **by_name}]


def _credited(costs: ReportLine | None, credit: ReportLine, name: str) -> ReportLine:
    """A campaign's costs with a model's sales; amounts in two currencies are no ROAS."""
    if costs is None:
        return credit
    one = None in (costs.currency, credit.currency) or costs.currency == credit.currency
    return ReportLine(
        name=name,
        currency=(costs.currency or credit.currency) if one else None,
        spend=costs.spend if one else None,
        impressions=costs.impressions,
        ad_clicks=costs.ad_clicks,
        unique_clicks=costs.unique_clicks,
        sales=credit.sales,
        revenue=credit.revenue if one else None,
        claimed=costs.claimed,
        sent=costs.sent,
    )


def _read(connection: Connection[Any], name: str, given: Mapping[str, Any]) -> list[ReportLine]:
    with connection.cursor(row_factory=dict_row) as cursor:
        return [ReportLine(**row) for row in cursor.execute(statement(name), given)]


def _total(lines: Sequence[ReportLine]) -> ReportLine:
    """All lines together: an amount is unknown where one of them is, or they are in several currencies."""
    currencies = {line.currency for line in lines if line.currency}
    costly = [line for line in lines if line.impressions is not None]

    def known(name: str) -> Any:
        values = [value for line in lines if (value := getattr(line, name)) is not None]
        return sum(values) if values else None

    def amount(name: str, of: Sequence[ReportLine]) -> Decimal | None:
        values = [getattr(line, name) for line in of]
        return None if len(currencies) > 1 or not values or None in values else sum(values, Decimal(0))

    return ReportLine(
        name="all",
        currency=currencies.pop() if len(currencies) == 1 else None,
        spend=amount("spend", costly),
        revenue=amount("revenue", lines),
        **{name: known(name) for name in ("impressions", "ad_clicks", "unique_clicks", "sales", "claimed", "sent")},
    )
