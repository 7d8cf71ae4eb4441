"""What doctor finds of delivery: tokens, circuits, and how old the oldest sale is that waits.

What belongs here: whether due events can go out. What does not: whether a token is right. Meta is not asked.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta

from psycopg import Connection
from psycopg.rows import scalar_row

from trackai_pipelines.database.statements import statement
from trackai_pipelines.delivery.backlog import Backlog, backlog_of
from trackai_pipelines.delivery.tokens import tokens_of_environment
from trackai_pipelines.delivery.validate import LONGEST_AGE
from trackai_pipelines.domain import Checkup, Finding, Level
from trackai_pipelines.settings import CapiSettings, token_variable

# Meta advises to deliver within an hour, and takes nothing after seven days.
LONG_DUE = timedelta(hours=1)
LONGEST_DUE = timedelta(hours=24)


def health(checkup: Checkup) -> Iterator[Finding]:
    """Yield a finding of tokens, of circuits and of what is due; of shared token variables and of refusals, if any."""
    connection, now = checkup.connection, checkup.now
    slugs = _delivering(connection)
    due = [one for one in backlog_of(connection, now=now) if one.due and one.slug in slugs]
    store = tokens_of_environment(CapiSettings())
    without = [slug for slug in slugs if store.token_of(slug) is None]
    yield _tokens(slugs, without, {one.slug: one.events for one in due})
    if shared := _shared_variables(slugs):
        fix = "Rename one of each, or use files by slug in TRACKAI_CAPI_TOKEN_DIR."
        yield Finding("token variables", Level.WARN, f"several tenants share one: {'; '.join(shared)}", fix)
    if held := [one for one in due if one.hold]:
        said = "; ".join(f"{one.slug}, {one.events:,} events wait: {one.hold}" for one in held[:5])
        fix = "The events are kept; they go out once the flag says meta again (`trackai flags show dispatch_target`)."
        yield Finding("held deliveries", Level.WARN, said, fix)
    yield _circuits(connection, without, now)
    if doubted := [one for one in due if one.circuit.state == "closed" and one.circuit.refusal]:
        said = "; ".join(f"{one.slug}, {one.events:,} events wait: {one.reason}" for one in doubted[:5])
        fix = "Compare what Meta says with the pixel's set-up; the events are kept and tried again by themselves."
        yield Finding("refusals", Level.WARN, said, fix)
    yield _oldest_due(due, now)
    yield _same_events(connection, now)


def _delivering(connection: Connection) -> list[str]:
    """Return the slugs of active tenants with a pixel: a tenant without one delivers nothing yet."""
    with connection.cursor(row_factory=scalar_row) as cursor:
        return cursor.execute(statement("delivery/delivering_tenants")).fetchall()


def _tokens(slugs: Sequence[str], without: Sequence[str], due: Mapping[str, int]) -> Finding:
    if not slugs:
        return Finding("tokens", Level.OK, "no active tenant has a pixel, so none needs one")
    if not without:
        return Finding("tokens", Level.OK, f"one for each of the {len(slugs)} active tenants with a pixel")
    exports = " ".join(f"{token_variable(slug)}=..." for slug in without[:5])
    said = f"{len(without)} of {len(slugs)} active tenants with a pixel have none: {', '.join(without[:5])}"
    held_back = sum(due.get(slug, 0) for slug in without)
    if held_back:
        said += f"; {held_back:,} events wait for that"
    fix = f"`export {exports}`, or put files named by slug into TRACKAI_CAPI_TOKEN_DIR."
    return Finding("tokens", Level.FAIL if held_back else Level.WARN, said, fix)


def _shared_variables(slugs: Sequence[str]) -> list[str]:
    by_variable: dict[str, list[str]] = {}
    for slug in slugs:
        by_variable.setdefault(token_variable(slug), []).append(slug)
    return [f"{variable} ({', '.join(of)})" for variable, of in by_variable.items() if len(of) > 1]


def _circuits(connection: Connection, without_token: Sequence[str], now: datetime) -> Finding:
    opened = connection.execute(statement("delivery/open_circuits")).fetchall()
    if not opened:
        return Finding("circuits", Level.OK, "all closed")
    said = "; ".join(
        f"{slug} since {since or now:%Y-%m-%d %H:%M:%S} UTC: {reason or 'no reason was written down'}"
        for slug, since, _, reason in opened[:5]
    )
    # A missing token has a finding of its own, with its fix.
    waiting = any(waits for slug, _, waits, _ in opened if slug not in without_token)
    more = f", and {len(opened) - 5} more" if len(opened) > 5 else ""
    fix = "Fix what the reason says; the next try is made by itself, and nothing is lost meanwhile."
    level = Level.FAIL if waiting else Level.WARN
    return Finding("circuits", level, f"{len(opened)} open: {said}{more}", fix)


def _oldest_due(due: Sequence[Backlog], now: datetime) -> Finding:
    oldest = min(due, key=lambda one: one.oldest, default=None)
    if oldest is None:
        return Finding("delivery", Level.OK, "no event waits to be delivered")
    age = now - oldest.oldest
    said = (
        f"{sum(one.events for one in due):,} events wait; the oldest sale was at {oldest.oldest:%Y-%m-%d %H:%M:%S} UTC "
        f"({oldest.slug}): {oldest.reason}"
    )
    fix = "Run `trackai dispatch`, or `trackai up`, which delivers by itself. Meta takes no event older than 7 days."
    if age >= LONGEST_DUE:
        return Finding("delivery", Level.FAIL, said, fix)
    if age >= LONG_DUE:
        return Finding("delivery", Level.WARN, said, fix)
    return Finding("delivery", Level.OK, said)


def _same_events(connection: Connection, now: datetime) -> Finding:
    found = connection.execute(statement("delivery/same_events"), {"since": now - LONGEST_AGE}).fetchall()
    if not found:
        return Finding("same events", Level.OK, "no sale of seven days was held back as the event of another")
    shown = "; ".join(f"{slug} {gateway} {event} same_event_as {other}" for slug, gateway, event, other in found[:3])
    more = f"; and {len(found) - 3:,} more" if len(found) > 3 else ""
    said = f"{len(found):,} sales of seven days were held back as another sale's event of one gateway: {shown}{more}"
    fix = "See `trackai explain TENANT GATEWAY EVENT`. Two sales need an order_id each, or a sale_key each."
    return Finding("same events", Level.WARN, said, fix)
