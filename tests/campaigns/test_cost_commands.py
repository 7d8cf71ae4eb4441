"""The commands about costs: what is not joined, aliases, accounts and restatements."""

import shlex
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from campaigns.stated import state
from psycopg import Connection
from typer.testing import Result

from trackai_pipelines.campaigns.restatements import restatements
from trackai_pipelines.campaigns.unjoined import UnjoinedClicks, UnjoinedSpend, nearest

Run = Callable[..., Result]
_DAY = date(2026, 5, 1)


def _click(connection: Connection[Any], tenant_id: str, utm_campaign: str, number: int, **columns: object) -> None:
    row = {"utm_source": "fb", "created_at": datetime.now(UTC)} | columns
    connection.execute(
        "INSERT INTO trackai.clicks (tenant_id, external_id, utm_campaign, utm_source, created_at)"
        " VALUES (%s, %s, %s, %s, %s)",
        (tenant_id, str(number), utm_campaign, row["utm_source"], row["created_at"]),
    )


def _words(result: Result) -> str:
    return " ".join(result.output.split())


def test_what_is_not_joined_comes_with_the_alias_that_joins_it(
    trackai: Run, connection: Connection[Any], add_tenant: Callable[..., str]
) -> None:
    tenant, other = add_tenant("acme"), add_tenant("globex")
    today = datetime.now(UTC).date()
    state(
        connection,
        tenant,
        [
            {"campaign_id": "77", "campaign_name": "BF 2026 - Vendas", "day": today, "spend": "1250.5"},
            {"campaign_id": "joined", "day": today, "spend": "3"},
            {"campaign_id": "free", "day": today, "spend": "0"},
            {"campaign_id": "old", "day": today - timedelta(days=40), "spend": "9"},
        ],
    )
    connection.execute(
        "INSERT INTO trackai.ad_campaign_names VALUES (%s, 'meta', '77', 'BF 2026 - Vendas', now())", (tenant,)
    )
    for number, name in enumerate(["bf-2026-vendas", "joined", "(none)", "{{x}}", "newsletter"]):
        _click(connection, tenant, name, number)
    _click(connection, other, "bf-2026-vendas!", 1)
    result = trackai("campaigns", "unjoined", "acme")
    assert result.exit_code == 0, result.output
    words = _words(result)
    assert "77 meta 77 BF 2026 - Vendas BRL 1,250.50" in words
    assert "bf-2026-vendas 1" in words
    assert "newsletter 1" in words
    for name in ("joined", "free", "old", "(none)", "(macro)", "bf-2026-vendas!"):
        assert f"{name} " not in words, name
    (line,) = [line for line in result.output.splitlines() if line.startswith("trackai campaigns alias")]
    assert line == "trackai campaigns alias acme 77 bf-2026-vendas --source meta"
    pasted = trackai(*shlex.split(line)[1:])
    assert pasted.exit_code == 0, pasted.output
    assert "77 counts now for bf-2026-vendas" in pasted.output
    assert "counted already" in trackai(*shlex.split(line)[1:]).output
    result = trackai("campaigns", "unjoined", "acme")
    assert "77" not in _words(result)
    assert "old meta old" in _words(trackai("campaigns", "unjoined", "acme", "--days", "60"))


def test_nothing_is_unjoined(trackai: Run, connection: Connection[Any], add_tenant: Callable[..., str]) -> None:
    add_tenant("acme")
    result = trackai("campaigns", "unjoined", "t-acme")
    assert result.exit_code == 0
    assert "all spend has clicks" in result.output
    result = trackai("campaigns", "unjoined", "nobody")
    assert result.exit_code == 1
    assert "There is no tenant nobody; `trackai tenant list` shows them." in result.output


def test_the_nearest_names() -> None:
    clicks = [UnjoinedClicks(name, 1, _DAY) for name in ("Spring Sale", "spring-sale-br", "winter", "X")]
    spend = UnjoinedSpend("meta", "77", "77", ("SPRING SALE",), "BRL", Decimal(1), _DAY)
    assert nearest(spend, clicks) == ["Spring Sale", "spring-sale-br"]
    assert nearest(spend, []) == []


def test_an_alias_of_an_alias_is_refused(
    trackai: Run, connection: Connection[Any], add_tenant: Callable[..., str]
) -> None:
    add_tenant("acme")
    assert trackai("campaigns", "alias", "acme", "a", "b").exit_code == 0
    result = trackai("campaigns", "alias", "acme", "c", "a")
    assert result.exit_code == 1
    assert "Nothing was changed: campaign_id 'a' is an alias itself, of 'b'; name that instead." in _words(result)
    assert trackai("campaigns", "alias", "acme", "b", "d").exit_code == 1
    assert trackai("campaigns", "alias", "acme", "a", "e").exit_code == 0
    rows = connection.execute("SELECT source, alias, campaign_id FROM trackai.campaign_aliases").fetchall()
    assert rows == [("", "a", "e")]


def test_an_accounts_time_zone(trackai: Run, connection: Connection[Any], add_tenant: Callable[..., str]) -> None:
    tenant = add_tenant("acme")
    state(connection, tenant, [{"hour": 22}])
    command = ("campaigns", "account", "acme", "meta", "1")
    assert trackai(*command).exit_code == 2
    result = trackai(*command, "--time-zone", "Mars")
    assert result.exit_code == 1
    assert "time_zone 'Mars' is not an IANA time zone" in result.output
    result = trackai(*command, "--currency", "brl", "--time-zone", "America/Sao_Paulo")
    assert result.exit_code == 0, result.output
    assert "changed account 1 of meta" in result.output
    assert "nothing to change" in trackai(*command, "--currency", "BRL").output
    row = connection.execute("SELECT date FROM trackai.v_counted_ad_costs").fetchone()
    assert row == (date(2026, 5, 2),)
    rows = connection.execute("SELECT currency, time_zone, time_zone_changed_at IS NULL FROM trackai.ad_accounts")
    assert rows.fetchall() == [("BRL", "America/Sao_Paulo", False)]


def _at(day: int) -> datetime:
    return datetime(2026, 5, day, 6, tzinfo=UTC)


def test_history_says_what_was_believed(
    trackai: Run, connection: Connection[Any], add_tenant: Callable[..., str]
) -> None:
    tenant, other = add_tenant("acme"), add_tenant("globex")
    state(
        connection,
        tenant,
        [
            *({"spend": spend, "stated_at": _at(day)} for spend, day in (("100", 2), ("101.5", 9), ("99.8", 29))),
            # A, B, A is A.
            *({"campaign_id": "c2", "spend": s, "stated_at": _at(d)} for s, d in (("5", 2), ("6", 9), ("5", 29))),
            {"campaign_id": "c3", "spend": "7", "stated_at": _at(20)},
            # A level that does not count is none of it.
            *({"adset_id": "s", "spend": spend, "stated_at": _at(day)} for spend, day in (("1", 2), ("2", 9))),
        ],
    )
    state(connection, other, [{"spend": "1", "stated_at": _at(2)}, {"spend": "2", "stated_at": _at(9)}])

    def believed(as_of: datetime | None = None) -> list[tuple[str, Decimal | None, Decimal, datetime]]:
        found = restatements(connection, tenant, _DAY, _DAY, as_of=as_of)
        return [(r.campaign_id, r.then_said, r.now_said, r.changed_at) for r in found]

    assert believed() == [("c1", Decimal(100), Decimal("99.8"), _at(29))]
    assert believed(_at(10)) == [
        ("c1", Decimal("101.5"), Decimal("99.8"), _at(29)),
        ("c2", Decimal(6), Decimal(5), _at(9)),
        ("c3", None, Decimal(7), _at(20)),
    ]
    assert believed(_at(29)) == []
    result = trackai("campaigns", "restatements", "acme", "--from", "2026-05-01", "--to", "2026-05-01")
    assert result.exit_code == 0, result.output
    assert "2026-05-01 meta c1 BRL 100.00 99.80 -0.2% 2026-05-29 06:00:00" in _words(result)
    result = trackai(
        "campaigns", "restatements", "acme", "--from", "2026-05-01", "--to", "2026-05-01", "--as-of", "2026-05-10"
    )
    assert "said by 2026-05-10" in _words(result)
    assert "c3 BRL - 7.00 -" in _words(result)
    result = trackai("campaigns", "restatements", "acme", "--from", "2026-05-02", "--to", "2026-05-02")
    assert "No spend from 2026-05-02 to 2026-05-02 was restated." in result.output


def test_spend_that_no_click_ever_named(connection: Connection[Any], add_tenant: Callable[..., str]) -> None:
    tenant, other = add_tenant("acme"), add_tenant("globex")
    state(connection, tenant, [{"campaign_id": name, "spend": "2"} for name in ("a", "b", "c", "d")])
    state(connection, tenant, [{"campaign_id": "free", "spend": "0"}])
    for owner, name, clicked in ((tenant, "a", True), (tenant, "b", False), (tenant, "x", True), (other, "d", True)):
        connection.execute(
            "INSERT INTO trackai.campaigns (tenant_id, campaign_id, name, clicked, updated_at)"
            " VALUES (%s, %s, 'n', %s, now())",
            (owner, name, clicked),
        )
    connection.execute(
        "INSERT INTO trackai.campaign_aliases (tenant_id, source, alias, campaign_id) VALUES (%s, '', 'x', 'c')",
        (tenant,),
    )
    rows = connection.execute("SELECT campaign_id, date, spend FROM trackai.v_unjoined_spend ORDER BY 1").fetchall()
    assert rows == [("b", _DAY, Decimal(2)), ("d", _DAY, Decimal(2))]
