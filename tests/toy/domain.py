"""A toy domain: calls to a shop's hotline, by its users. It uses every room that a domain may have, and no other file.

It follows the eight steps of CONTRIBUTING.md; `test_toy.py` takes it from a file to the last trace of a person.
"""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from trackai_pipelines.domain import (
    Checkup,
    Command,
    DemoPart,
    Domain,
    Finding,
    Personal,
    Remains,
    Section,
    StoryPart,
    Table,
)

if TYPE_CHECKING:
    import dagster as dg
    from psycopg import Connection
    from starlette.routing import BaseRoute

    from trackai_pipelines.ingest.kinds import Kind


def _kinds() -> "Sequence[Kind]":
    from toy.landing import TOY_CALLS

    return (TOY_CALLS,)


def _definitions() -> "dg.Definitions":
    from toy.defs import defs

    return defs


def _toy() -> Any:
    from toy.cli import app

    return app


def _health(checkup: Checkup) -> Iterable[Finding]:
    from toy.health import health

    return health(checkup)


def _demo() -> DemoPart:
    from toy.sample import part

    return part()


def _section() -> Section:
    from toy.section import section

    return section()


def _story(connection: "Connection", tenant_id: str, conversion_id: int) -> Iterable[StoryPart]:
    from toy.story import story

    return story(connection, tenant_id, conversion_id)


def _routes() -> "Sequence[BaseRoute]":
    from toy.web import ROUTES

    return ROUTES


TOY = Domain(
    name="toy",
    says="Calls to a shop's hotline.",
    tables=(
        Table(
            name="toy_calls",
            key=("tenant_id", "call_id", "called_at"),
            time="called_at",
            leaves="partition",
            personal=Personal(
                email_hash="email_hash",
                user_id="user_id",
                clear=("email_hash", "user_id", "ip", "user_agent"),
                by_age={"ip": Remains.NETWORK, "user_agent": Remains.FAMILY, "email_hash": Remains.NOTHING},
            ),
        ),
    ),
    kinds=_kinds,
    definitions=_definitions,
    commands=(Command(name="toy", says="Look at calls.", load=_toy),),
    health=_health,
    demo=_demo,
    section=_section,
    story=_story,
    routes=_routes,
)
