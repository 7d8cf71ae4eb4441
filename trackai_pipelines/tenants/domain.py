"""Tenants: whose data everything is."""

from collections.abc import Iterable
from typing import Any

from trackai_pipelines.domain import Checkup, Command, DemoPart, Domain, Finding, Table


def _tenant() -> Any:
    from trackai_pipelines.tenants.cli import app

    return app


def _health(checkup: Checkup) -> Iterable[Finding]:
    from trackai_pipelines.tenants.health import health

    return health(checkup)


def _demo() -> DemoPart:
    from trackai_pipelines.tenants.sample import insert

    return DemoPart(insert=insert)


TENANTS = Domain(
    name="tenants",
    says="Whose data everything is: tenants and their funnels.",
    tables=(
        Table(name="tenants", key=("id",)),
        Table(name="funnels", key=("tenant_id", "id")),
        Table(name="setup_sessions", key=("id",)),
    ),
    commands=(Command(name="tenant", says="Add tenants, change them and list them.", load=_tenant),),
    health=_health,
    demo=_demo,
)
