"""Facts: what happened, as producers and gateways report it."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from trackai_pipelines.domain import Checkup, DemoJob, DemoPart, Domain, Finding, Personal, Remains, StoryPart, Table

if TYPE_CHECKING:
    from datetime import date

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


def _health(checkup: Checkup) -> Iterable[Finding]:
    from trackai_pipelines.facts.health import health

    return health(checkup)


def _demo() -> DemoPart:
    from trackai_pipelines.facts.sample import prove, write

    return DemoPart(write=write, jobs=(DemoJob("link_users", "Link users"),), prove=prove)


def _unlinked(connection: "Connection", before: "date") -> str | None:
    from trackai_pipelines.facts.links import unlinked

    return unlinked(connection, before)


FACTS = Domain(
    name="facts",
    says="What happened: clicks, identities, conversions and refunds, with the users and campaigns behind them.",
    tables=(
        Table(
            name="clicks",
            key=("tenant_id", "id"),
            time="created_at",
            leaves="delete",
            # Meta's click and browser ids stay, because matches are explained by them.
            personal=Personal(
                clear=("fbclid", "fbc", "fbp", "click_ids", "ip", "user_agent"),
                # A newsletter's link may hold its reader's address.
                quotes=dict.fromkeys(("utm_source", "utm_medium", "utm_campaign", "utm_content", "utm_term")),
                by_age={"click_ids": Remains.NOTHING, "ip": Remains.NETWORK, "user_agent": Remains.FAMILY},
            ),
        ),
        Table(
            name="identities",
            key=("tenant_id", "id"),
            # The row stays, so loading its file again does not bring the hashes back.
            personal=Personal(email_hash="email_hash", phone_hash="phone_hash", clear=("email_hash", "phone_hash")),
        ),
        Table(
            name="conversions",
            key=("tenant_id", "id"),
            time="occurred_at",
            # A link outlives the hashes that it was found by.
            anonymise_blocks=(_unlinked,),
            personal=Personal(
                email_hash="customer_email_hash",
                phone_hash="customer_phone_hash",
                clear=(
                    "customer_email_hash",
                    "customer_phone_hash",
                    "customer_information",
                    "client_ip",
                    "client_user_agent",
                    "fbclid",
                    "fbc",
                    "fbp",
                    "click_ids",
                    "event_source_url",
                ),
                by_age={
                    "customer_email_hash": Remains.NOTHING,
                    "customer_phone_hash": Remains.NOTHING,
                    "customer_information": Remains.NOTHING,
                    "click_ids": Remains.NOTHING,
                    "client_ip": Remains.NETWORK,
                    "client_user_agent": Remains.FAMILY,
                    "event_source_url": Remains.PAGE,
                },
            ),
        ),
        Table(
            name="users",
            key=("tenant_id", "id"),
            # The row stays for what other domains say of the user; nothing in it says who that is.
            personal=Personal(
                email_hash="email_hash", phone_hash="phone_hash", user_id="id", clear=("email_hash", "phone_hash")
            ),
        ),
        Table(
            name="user_conversions",
            key=("tenant_id", "conversion_id"),
            personal=Personal(user_id="user_id", conversion="conversion_id", delete=True),
        ),
        # Says which sale, how much and when, and of whom nothing: it stays with its sale.
        Table(name="refunds", key=("tenant_id", "id"), time="occurred_at"),
        Table(name="sale_names", key=("tenant_id", "gateway", "name")),
        Table(name="campaigns", key=("tenant_id", "campaign_id")),
    ),
    kinds=_kinds,
    definitions=_definitions,
    health=_health,
    story=_story,
    demo=_demo,
)
