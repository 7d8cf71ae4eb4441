"""`trackai explain`: the story of one conversion, from its click to its delivery."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from trackai_pipelines.terminal.output import fail, results, table
from trackai_pipelines.terminal.workspace import ready_database

if TYPE_CHECKING:
    from psycopg import Connection

    from trackai_pipelines.delivery.story import DispatchAttempt, DispatchStory
    from trackai_pipelines.matching.story import Attempt, Story


def explain(
    tenant: Annotated[str, typer.Argument(help="Slug or id.")],
    gateway: Annotated[str, typer.Argument(help="E.g. stripe.")],
    event_id: Annotated[str, typer.Argument(help="The gateway's event id (gateway_event_id).")],
) -> None:
    """Tell why a conversion was or was not matched, and what became of its dispatch: each attempt and what it means."""
    from trackai_pipelines.database.connection import connect
    from trackai_pipelines.delivery.story import dispatch_story
    from trackai_pipelines.matching.story import explain as story_of
    from trackai_pipelines.settings import Settings

    with connect(ready_database(Settings()), name="trackai explain") as connection:
        found = story_of(connection, tenant, gateway, event_id)
        if found is None:
            fail(_not_found(connection, tenant, gateway, event_id))
        story, attempts = found
        dispatched = dispatch_story(connection, story.tenant_id, story.id)
    _tell(story, attempts)
    if dispatched is not None:
        _tell_of_dispatch(dispatched)


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


def _tell(story: "Story", attempts: "list[Attempt]") -> None:
    after, until = story.window
    facts = [
        ("tenant", f"{story.slug} ({story.status})"),
        ("order", story.order_id),
        ("value", f"{story.value:,.2f} {story.currency}"),
        ("sold", _moment(story.occurred_at)),
        ("arrived", _moment(story.created_at)),
        ("click id (fbc)", story.click_key),
        ("browser id (fbp)", story.browser_key),
        ("e-mail hash", "present" if story.has_email else None),
        ("e-mail matching", "on" if story.email_matching else "off"),
        ("window", f"clicks after {_moment(after)}, until {_moment(until)} ({story.lookback_days} days)"),
    ]
    if story.clicked_at is not None:
        facts += [
            ("clicked", _moment(story.clicked_at)),
            ("source", story.utm_source),
            ("campaign", story.utm_campaign),
        ]
    console = results()
    console.print(table(("fact", ""), facts))
    if attempts:
        rows = [
            (str(a.attempt), a.strategy, a.outcome, a.meaning, str(a.click_id or "-"), _moment(a.created_at))
            for a in attempts
        ]
        console.print(table(("attempt", "strategy", "outcome", "meaning", "click", "at"), rows))
    console.print(story.verdict, markup=False, style="bold")


def _tell_of_dispatch(story: "DispatchStory") -> None:
    console = results()
    if story.attempts:
        rows = [
            (str(a.attempt), a.status, a.failure, _answer(a), a.message, _moment(a.created_at)) for a in story.attempts
        ]
        console.print(table(("dispatch attempt", "status", "failure", "Meta's answer", "meaning", "at"), rows))
        console.print(f"event id {story.attempts[-1].event_id}", markup=False)
    console.print(story.verdict, markup=False, style="bold")


def _answer(attempt: "DispatchAttempt") -> str | None:
    """Status, codes and trace id, as far as there was an answer; the trace id is what Meta's support asks for."""
    if attempt.http_status is None:
        return None
    codes = [str(code) for code in (attempt.error_code, attempt.error_subcode) if code is not None]
    parts = [f"HTTP {attempt.http_status}", "/".join(codes), attempt.fbtrace_id or ""]
    return ", ".join(part for part in parts if part)


def _moment(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC"
