"""Facts: what happened, as producers and gateways report it."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from trackai_pipelines.domain import DemoPart, Domain, Personal, Remains, StoryPart, Table

if TYPE_CHECKING:
    import dagster as dg
    from psycopg import Connection

    from trackai_pipelines.ingest.kinds import Kind


def _kinds() -> "tuple[Kind, ...]":
    from trackai_pipelines.facts.landing import KINDS

    return KINDS


def _definitions() -> "dg.Definitions":
    from trackai_pipelines.facts.defs import defs

    return defs


def _story(connection: "Connection", tenant_id: str, conversion_id: int) -> Iterable[StoryPart]:
    from trackai_pipelines.facts.story import story

    return story(connection, tenant_id, conversion_id)


def _demo() -> DemoPart:
    from trackai_pipelines.facts.sample import write

    return DemoPart(write=write)


FACTS = Domain(
    name="facts",
    says="Clicks, identities and conversions: immutable and deduplicated.",
    tables=(
        Table(
            name="clicks",
            key=("tenant_id", "id"),
            time="created_at",
            leaves="delete",
            # Click and browser ids stay, because matches are explained by them.
            personal=Personal(by_age={"ip": Remains.NETWORK, "user_agent": Remains.FAMILY}),
        ),
        Table(name="identities", key=("tenant_id", "id")),
        Table(
            name="conversions",
            key=("tenant_id", "id"),
            time="occurred_at",
            personal=Personal(
                by_age={
                    "customer_email_hash": Remains.NOTHING,
                    "customer_phone_hash": Remains.NOTHING,
                    "customer_information": Remains.NOTHING,
                    "client_ip": Remains.NETWORK,
                    "client_user_agent": Remains.FAMILY,
                    "event_source_url": Remains.PAGE,
                },
            ),
        ),
    ),
    kinds=_kinds,
    definitions=_definitions,
    story=_story,
    demo=_demo,
)
