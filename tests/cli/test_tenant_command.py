"""tenant add and tenant list."""

from collections.abc import Callable

import pytest
from psycopg import Connection
from typer.testing import Result

Run = Callable[..., Result]


def test_adds_a_tenant_with_everything(trackai: Run, connection: Connection) -> None:
    options = "--name Acme --id cm0acme --pixel-id 42 --email-matching --lookback-days 30 --country br"
    result = trackai("tenant", "add", "acme-shop", *options.split())
    assert result.exit_code == 0
    assert "added acme-shop with the id cm0acme" in result.stdout
    row = connection.execute(
        "SELECT id, slug, name, status, pixel_id, lookback_days, email_matching, default_country FROM trackai.tenants"
    ).fetchone()
    assert row == ("cm0acme", "acme-shop", "Acme", "active", "42", 30, True, "BR")


def test_lists_tenants(trackai: Run) -> None:
    empty = trackai("tenant", "list")
    assert empty.exit_code == 0
    assert "no tenants yet" in empty.stderr
    trackai("tenant", "add", "zeta")
    trackai("tenant", "add", "alpha", "--pixel-id", "7")
    listed = [line.split()[:5] for line in trackai("tenant", "list").stdout.splitlines() if "active" in line]
    assert listed == [["alpha", "alpha", "active", "7", "90"], ["zeta", "zeta", "active", "-", "90"]]


def test_a_taken_slug_fails_and_changes_nothing(trackai: Run, connection: Connection) -> None:
    trackai("tenant", "add", "acme")
    result = trackai("tenant", "add", "acme", "--lookback-days", "7")
    assert result.exit_code == 1
    assert "exists already" in result.stderr
    assert connection.execute("SELECT lookback_days FROM trackai.tenants").fetchall() == [(90,)]


@pytest.mark.parametrize(
    "arguments", [["Acme"], ["a--b"], ["acme", "--country", "BRA"], ["acme", "--lookback-days", "0"], []]
)
def test_wrong_values_are_bad_usage(trackai: Run, arguments: list[str], connection: Connection) -> None:
    assert trackai("tenant", "add", *arguments).exit_code == 2
    assert connection.execute("SELECT count(*) FROM trackai.tenants").fetchone() == (0,)
