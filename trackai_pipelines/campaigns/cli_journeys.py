"""`trackai campaigns journey`: which clicks led to a sale, and what each deserves.

What belongs here: options, and what is shown. What does not: how journeys are found and divided.
"""

from decimal import Decimal
from typing import TYPE_CHECKING, Annotated

import typer

from trackai_pipelines.terminal.output import fail, results, table
from trackai_pipelines.terminal.workspace import ready_database

if TYPE_CHECKING:
    from trackai_pipelines.campaigns.sale_journey import Touch

COLUMNS = {
    "matched": "matched",
    "last_touch": "last",
    "first_touch": "first",
    "linear": "linear",
    "position_based": "position",
    "time_decay": "decay",
    "last_non_direct": "non-direct",
    "markov": "markov",
    "shapley": "shapley",
}
"""The heads of columns, by model."""


def journey(
    tenant: Annotated[str, typer.Argument(help="Slug or id.")],
    gateway: Annotated[str, typer.Argument(help="E.g. stripe.")],
    event_id: Annotated[str, typer.Argument(help="The gateway's event id (gateway_event_id).")],
) -> None:
    """Show the clicks that led to a sale, what joined each, its credit by model, and the keys that were not followed.

    Keys are judged by the facts as they stand now.
    """
    from trackai_pipelines.campaigns.sale_journey import sale_of, sentence_on, shared_keys_of, touches_of
    from trackai_pipelines.database.connection import connect
    from trackai_pipelines.settings import Settings

    with connect(ready_database(Settings()), name="trackai campaigns journey") as connection:
        sale = sale_of(connection, tenant, gateway=gateway, event_id=event_id)
        if sale is None:
            fail(
                f"There is no sale {event_id} from {gateway} of a tenant {tenant}. Check the id: it is the event's, "
                "not the order's; `trackai tenant list` shows the tenants."
            )
        touches = touches_of(connection, sale)
        shared = shared_keys_of(connection, sale) if touches else []
    results().print(sentence_on(sale, touches, shared), markup=False)
    if touches:
        columns = ("#", "clicked", "campaign", "channel", "joined by", *COLUMNS.values())
        results().print(table(columns, [_row(touch) for touch in touches]))


def _row(touch: "Touch") -> tuple[object, ...]:
    clicked = f"{touch.clicked_at:%Y-%m-%d %H:%M}" if touch.clicked_at else None
    shares = [_short(touch.credit[model]) for model in COLUMNS]
    return str(touch.position), clicked, touch.campaign_id, touch.channel, touch.via, *shares


def _short(share: Decimal) -> str:
    return f"{share:.3f}".rstrip("0").rstrip(".")
