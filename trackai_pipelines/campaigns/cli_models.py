"""`trackai campaigns models` and `what-if`: the models beside each other, as they are and with other settings.

What belongs here: options, and what is shown. What does not: the figures (models.py).
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated

import typer

from trackai_pipelines.campaigns.cli_journeys import COLUMNS
from trackai_pipelines.terminal.days import FromDay, ToDay, days_of
from trackai_pipelines.terminal.failures import usage
from trackai_pipelines.terminal.output import remark, results, table
from trackai_pipelines.terminal.workspace import ready_database

if TYPE_CHECKING:
    from trackai_pipelines.campaigns.models import Credited

_Tenant = Annotated[str, typer.Argument(help="Slug or id.")]


def models(tenant: _Tenant, from_day: FromDay, to_day: ToDay) -> None:
    """Show the revenue of each campaign under every model, beside what it cost, in the currencies of the sales.

    Each model adds up to the same revenue. ROAS by model is in the view v_campaign_models.
    """
    from trackai_pipelines.campaigns.chosen import chosen_tenants
    from trackai_pipelines.campaigns.models import models_of_days
    from trackai_pipelines.database.connection import connect
    from trackai_pipelines.settings import Settings

    first, last = days_of(from_day, to_day)
    with connect(ready_database(Settings()), name="trackai campaigns models") as connection:
        (chosen,) = chosen_tenants(connection, tenant)
        rows = models_of_days(connection, chosen.id, first, last)
    if not rows:
        remark(f"{chosen.slug} has no figures from {first} to {last}; `trackai campaigns aggregate` computes them.")
        return
    shown = [
        (row.campaign_id, row.currency, _money(row.spend), *(_money(row.revenue[model]) for model in COLUMNS))
        for row in rows
    ]
    results().print(table(("campaign", "", "spend", *COLUMNS.values()), shown))


def what_if(
    tenant: _Tenant,
    from_day: FromDay,
    to_day: ToDay,
    lookback_days: Annotated[
        int | None, typer.Option(help="Find journeys again with a window of so many days.", min=0, max=3650)
    ] = None,
    half_life_days: Annotated[
        float | None, typer.Option(help="Divide by time_decay with this half-life.", min=0.01, max=3650)
    ] = None,
) -> None:
    """Show what each model would credit with another window or half-life, and the change to what is stored.

    Nothing is written. Archived clicks are read, too; e-mail and phone lead only to what is still in the database.
    """
    from trackai_pipelines.campaigns.chosen import chosen_tenants
    from trackai_pipelines.campaigns.models import what_if as compute
    from trackai_pipelines.database.connection import connect
    from trackai_pipelines.lifecycle.archive.store import open_store
    from trackai_pipelines.settings import Settings

    first, last = days_of(from_day, to_day)
    if lookback_days is None and half_life_days is None:
        raise usage("say what shall be different: --lookback-days, --half-life-days or both")
    hours = None if half_life_days is None else 24 * Decimal(str(half_life_days))
    settings = Settings()
    with connect(ready_database(settings), name="trackai campaigns what-if") as connection:
        (chosen,) = chosen_tenants(connection, tenant)
        before, after = compute(
            connection,
            open_store(settings.archive_url),
            chosen.id,
            first,
            last,
            lookback_days=lookback_days,
            half_life_hours=hours,
        )
    if not after.revenue:
        remark(f"{chosen.slug} has no matched sale from {first} to {last}.")
        return
    results().print(f"{after.touches:,} touches; {before.touches:,} are stored.")
    results().print(table(("campaign", "", *COLUMNS.values()), _rows(after.revenue)))
    changes = _changes(before, after)
    if changes:
        results().print("Change to what is stored:")
        results().print(table(("campaign", "", *COLUMNS.values()), _rows(changes)))
    else:
        results().print("Nothing changes.")


def _changes(before: "Credited", after: "Credited") -> dict[tuple[str, str], dict[str, Decimal]]:
    nothing = dict.fromkeys(COLUMNS, Decimal(0))
    changes = {
        key: {
            model: after.revenue.get(key, nothing)[model] - before.revenue.get(key, nothing)[model] for model in COLUMNS
        }
        for key in before.revenue.keys() | after.revenue.keys()
    }
    return {key: row for key, row in changes.items() if any(row.values())}


def _rows(revenue: Mapping[tuple[str, str], Mapping[str, Decimal]]) -> list[tuple[str, ...]]:
    keys = sorted(revenue, key=lambda key: (key[0], -revenue[key]["matched"], key[1]))
    return [(key[1], key[0], *(_money(revenue[key][model]) for model in COLUMNS)) for key in keys]


def _money(amount: Decimal | None) -> str:
    return "-" if amount is None else f"{amount:,.2f}"
