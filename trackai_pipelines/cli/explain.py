"""`trackai explain`: what every domain made of one conversion.

What belongs here: finding the conversion, and printing. What does not: any part of the story (`<domain>/story.py`).
"""

from typing import TYPE_CHECKING, Annotated

import typer

from trackai_pipelines.terminal.output import fail, results, table
from trackai_pipelines.terminal.workspace import ready_database, workspace

if TYPE_CHECKING:
    from psycopg import Connection


def explain(
    tenant: Annotated[str, typer.Argument(help="Slug or id.")],
    gateway: Annotated[str, typer.Argument(help="E.g. stripe.")],
    event_id: Annotated[str, typer.Argument(help="The gateway's event id (gateway_event_id).")],
) -> None:
    """Show why a conversion was or was not matched, and what became of its dispatch: each attempt and what it means."""
    from trackai_pipelines.database.connection import connect
    from trackai_pipelines.facts.story import find_conversion
    from trackai_pipelines.settings import Settings

    with connect(ready_database(Settings()), name="trackai explain") as connection:
        found = find_conversion(connection, tenant, gateway, event_id)
        if found is None:
            fail(_not_found(connection, tenant, gateway, event_id))
        stories = [domain.story for domain in workspace().domains if domain.story]
        parts = [part for story in stories for part in story(connection, *found)]
    console = results()
    for part in parts:
        if part.rows:
            console.print(table(part.columns, part.rows))
        if part.sentence:
            console.print(part.sentence, markup=False, style="bold")


def _not_found(connection: "Connection", tenant: str, gateway: str, event_id: str) -> str:
    from trackai_pipelines.tenants.tenants import all_tenants, gateways_of

    tenants = all_tenants(connection)
    if not any(tenant in (known.slug, known.id) for known in tenants):
        slugs = ", ".join(known.slug for known in tenants[:20]) or "none; `trackai tenant add` adds one"
        return f"There is no tenant {tenant}. Tenants: {slugs}."
    gateways = gateways_of(connection, tenant)
    if gateway not in gateways:
        known = ", ".join(gateways) or "no gateway yet"
        return f"Tenant {tenant} has no conversions from {gateway}. It has conversions from: {known}."
    return (
        f"Tenant {tenant} has no conversion with the event id {event_id} from {gateway}. Check the id: it is the "
        "event's, not the order's. If the event was delivered, it may have been refused: see trackai.ingest_rejects."
    )
