"""tenant add, tenant set and tenant list."""

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


def delivery_of(connection: Connection, slug: str) -> tuple[object, ...] | None:
    return connection.execute(
        "SELECT dispatch_policy, sent_event_id, limited_data_use, ldu_country, ldu_state, opt_out, test_event_code "
        "FROM trackai.tenants WHERE slug = %s",
        [slug],
    ).fetchone()


def test_adds_and_changes_what_delivery_goes_by(trackai: Run, connection: Connection) -> None:
    options = [
        "--pixel-id", "42", "--dispatch-policy", "matched", "--sent-event-id", "order", "--limited-data-use",
        "--ldu-country", "1", "--ldu-state", "1000", "--opt-out", "--test-event-code", "TEST7",
    ]  # fmt: skip
    added = trackai("tenant", "add", "acme", *options)
    assert added.exit_code == 0, added.output
    assert "TRACKAI_CAPI_TOKEN_ACME" in added.stderr
    assert delivery_of(connection, "acme") == ("matched", "order", True, 1, 1000, True, "TEST7")
    trackai("tenant", "add", "plain")
    assert delivery_of(connection, "plain") == ("all", "registry", False, 0, 0, False, None)
    assert trackai("tenant", "set", "plain", *options[2:]).exit_code == 0
    assert delivery_of(connection, "plain") == ("matched", "order", True, 1, 1000, True, "TEST7")
    undone = ["--no-limited-data-use", "--ldu-country", "0", "--no-opt-out", "--dispatch-policy", "all"]
    assert trackai("tenant", "set", "plain", *undone, "--test-event-code", "").exit_code == 0
    assert delivery_of(connection, "plain") == ("all", "order", False, 0, 1000, False, None)


def test_test_payments_are_taken_only_where_a_tenant_says_so(trackai: Run, connection: Connection) -> None:
    def takes(slug: str) -> object:
        row = connection.execute("SELECT take_test_payments FROM trackai.tenants WHERE slug = %s", [slug]).fetchone()
        assert row is not None
        return row[0]

    trackai("tenant", "add", "plain")
    trackai("tenant", "add", "staging", "--take-test-payments")
    assert (takes("plain"), takes("staging")) == (False, True)
    trackai("tenant", "set", "staging", "--name", "Staging")
    assert takes("staging") is True
    trackai("tenant", "set", "staging", "--no-take-test-payments")
    assert takes("staging") is False


def credit_of(connection: Connection, slug: str) -> tuple[object, ...] | None:
    return connection.execute(
        "SELECT reporting_currency, time_zone, journey_days, half_life_hours::float, credit_unit, buyer_memory_days "
        "FROM trackai.tenants WHERE slug = %s",
        [slug],
    ).fetchone()


def test_adds_and_changes_what_campaigns_go_by(trackai: Run, connection: Connection) -> None:
    options = [
        "--reporting-currency", "brl", "--time-zone", "America/Sao_Paulo", "--journey-days", "30",
        "--half-life-hours", "36.5", "--credit-unit", "channel", "--buyer-memory-days", "365",
    ]  # fmt: skip
    everything = ("BRL", "America/Sao_Paulo", 30, 36.5, "channel", 365)
    assert trackai("tenant", "add", "acme", *options).exit_code == 0
    trackai("tenant", "add", "plain")
    assert credit_of(connection, "acme") == everything
    assert credit_of(connection, "plain") == (None, "UTC", None, 168, "campaign", 90)
    assert trackai("tenant", "set", "plain", *options).exit_code == 0
    assert credit_of(connection, "plain") == everything
    trackai("tenant", "set", "plain", "--name", "Plain")
    assert credit_of(connection, "plain") == everything
    trackai("tenant", "set", "plain", "--reporting-currency", "", "--journey-days", "", "--credit-unit", "campaign")
    assert credit_of(connection, "plain") == (None, "America/Sao_Paulo", None, 36.5, "campaign", 365)


def test_changes_what_is_given_and_nothing_else(trackai: Run, connection: Connection) -> None:
    trackai("tenant", "add", "acme", "--name", "Acme", "--pixel-id", "7", "--country", "BR", "--email-matching")
    trackai("tenant", "add", "other", "--pixel-id", "8")
    result = trackai("tenant", "set", "acme", "--pixel-id", "42", "--status", "suspended", "--lookback-days", "30")
    assert result.exit_code == 0
    assert "changed status, pixel_id, lookback_days of acme" in result.stdout
    rows = connection.execute(
        "SELECT slug, name, status, pixel_id, lookback_days, email_matching, default_country, updated_at > created_at"
        " FROM trackai.tenants ORDER BY slug"
    ).fetchall()
    assert rows == [
        ("acme", "Acme", "suspended", "42", 30, True, "BR", True),
        ("other", "other", "active", "8", 90, False, None, False),
    ]
    trackai("tenant", "set", "acme", "--pixel-id", "", "--country", "", "--no-email-matching")
    assert connection.execute(
        "SELECT pixel_id, default_country, email_matching FROM trackai.tenants WHERE slug = 'acme'"
    ).fetchone() == (None, None, False)


def test_only_what_is_there_can_be_changed(trackai: Run) -> None:
    trackai("tenant", "add", "acme")
    unknown = trackai("tenant", "set", "acne", "--pixel-id", "42")
    assert unknown.exit_code == 1
    assert "There is no tenant acne. Tenants: acme." in unknown.stderr
    assert trackai("tenant", "set", "acme").exit_code == 2


@pytest.mark.parametrize(
    "option",
    [
        ["--pixel-id", "my pixel"],
        ["--pixel-id", "42/../43"],
        ["--status", "asleep"],
        ["--dispatch-policy", "none"],
        ["--sent-event-id", "mine"],
        ["--ldu-country", "2"],
        ["--ldu-state", "1"],
        ["--reporting-currency", "BRX"],
        ["--time-zone", "Sao Paulo"],
        ["--time-zone", ""],
        ["--journey-days", "0"],
        ["--journey-days", "a week"],
        ["--half-life-hours", "0"],
        ["--credit-unit", "click"],
        ["--buyer-memory-days", "0"],
    ],
)
def test_wrong_changes_are_bad_usage(trackai: Run, connection: Connection, option: list[str]) -> None:
    trackai("tenant", "add", "acme", "--pixel-id", "7")
    before = connection.execute("SELECT t::text FROM trackai.tenants t").fetchall()
    assert trackai("tenant", "set", "acme", *option).exit_code == 2
    assert connection.execute("SELECT t::text FROM trackai.tenants t").fetchall() == before


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
