"""Tenants: whose data everything is."""

from typing import Any

from trackai_pipelines.domain import Command, Domain, Table


def _tenant() -> Any:
    from trackai_pipelines.tenants.cli import app

    return app


TENANTS = Domain(
    name="tenants",
    says="Whose data everything is: tenants and their funnels.",
    tables=(
        Table(name="tenants", key=("id",)),
        Table(name="funnels", key=("tenant_id", "id")),
        Table(name="setup_sessions", key=("id",)),
    ),
    commands=(Command(name="tenant", says="Add tenants, change them and list them.", load=_tenant),),
)
