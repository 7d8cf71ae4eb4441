"""Files of accounts, aliases, rates, segments and results of holdouts."""

from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from ingest.landing_zone import counts, load_all, write, write_jsonl
from psycopg import Connection

_HOUR = {"account_id": "1", "campaign_id": "77", "day": "2026-05-01", "hour": 22, "currency": "BRL", "spend": "10"}


def _reasons(connection: Connection[Any]) -> list[str]:
    rows = connection.execute("SELECT reason FROM trackai.ingest_rejects ORDER BY source, line").fetchall()
    return [reason for (reason,) in rows]


def test_another_time_zone_moves_the_hours_and_is_remembered(
    database_url: str, connection: Connection[Any], landing: Path
) -> None:
    day = {**_HOUR, "campaign_id": "78", "hour": None}
    write_jsonl(landing / "acme" / "ad_costs_meta.jsonl", _HOUR, day)
    load_all(database_url, landing)

    def booked() -> list[tuple[Any, ...]]:
        return connection.execute(
            "SELECT date, cost_basis FROM trackai.v_counted_ad_costs ORDER BY platform_campaign_id"
        ).fetchall()

    def corrected() -> datetime | None:
        row = connection.execute("SELECT time_zone_changed_at FROM trackai.ad_accounts").fetchone()
        assert row is not None
        return row[0]  # type: ignore[no-any-return]

    assert booked() == [(date(2026, 5, 1), "hours"), (date(2026, 5, 1), "account_day")]
    assert corrected() is None
    path = landing / "acme" / "ad_accounts.jsonl"
    account = {"source": "meta", "account_id": "1", "time_zone": "America/Sao_Paulo", "name": "Loja"}
    write_jsonl(path, account)
    (report,) = load_all(database_url, landing, path)
    assert counts(report) == (1, 0, 0)
    assert booked() == [(date(2026, 5, 2), "hours"), (date(2026, 5, 1), "account_day")]
    after = corrected()
    assert after is not None
    # What is not said stays, and the same again changes nothing.
    write_jsonl(path, {"source": "meta", "account_id": "1", "currency": "USD"}, {"source": "meta", "account_id": "1"})
    load_all(database_url, landing, path)
    write_jsonl(path, account)
    (report,) = load_all(database_url, landing, path)
    assert counts(report) == (0, 1, 0)
    assert corrected() == after
    rows = connection.execute(
        "SELECT source, account_id, name, currency, time_zone FROM trackai.ad_accounts"
    ).fetchall()
    assert rows == [("meta", "1", "Loja", "USD", "America/Sao_Paulo")]


def test_bad_accounts(database_url: str, connection: Connection[Any], landing: Path) -> None:
    write_jsonl(
        landing / "acme" / "ad_accounts_meta.jsonl",
        {"account_id": "1", "time_zone": "Brasilia"},
        {"account_id": "1", "currency": "R$"},
        {"time_zone": "UTC"},
    )
    load_all(database_url, landing)
    assert _reasons(connection) == [
        "time_zone 'Brasilia' is not an IANA time zone such as America/Sao_Paulo",
        "currency 'R$' is not an ISO 4217 code such as BRL",
        "account_id is missing",
    ]


def test_an_alias_never_points_at_an_alias(database_url: str, connection: Connection[Any], landing: Path) -> None:
    write_jsonl(landing / "acme" / "campaign_aliases_1.jsonl", {"alias": "a", "campaign_id": "b"})
    write_jsonl(
        landing / "acme" / "campaign_aliases_2.jsonl",
        {"alias": "z", "campaign_id": "a"},
        {"alias": "b", "campaign_id": "c", "source": "Meta"},
        {"alias": " m ", "campaign_id": "n", "source": "Meta"},
        {"alias": "n", "campaign_id": "o"},
        {"alias": "m", "campaign_id": "p", "source": "meta"},
        {"alias": "m", "campaign_id": "p", "source": "google"},
        {"alias": "x", "campaign_id": "x"},
        {"alias": "(none)", "campaign_id": "b"},
        {"alias": "q"},
    )
    # Another tenant's aliases are another tenant's.
    write_jsonl(landing / "globex" / "campaign_aliases.jsonl", {"alias": "b", "campaign_id": "a"})
    load_all(database_url, landing)
    assert _reasons(connection) == [
        "campaign_id 'a' is an alias itself, of 'b'; name that instead",
        "alias 'b' is a campaign, and 'a' is an alias of it",
        "alias 'n' is a campaign, and 'm' is an alias of it",
        "alias 'm' stands in the file for two campaigns",
        "alias and campaign_id are the same",
        "alias (none) stands for no campaign, and cannot be another's name",
        "campaign_id is missing",
    ]
    rows = connection.execute(
        "SELECT tenant_id, source, alias, campaign_id FROM trackai.campaign_aliases ORDER BY 1, 2, 3"
    )
    assert rows.fetchall() == [
        ("t-acme", "", "a", "b"),
        ("t-acme", "google", "m", "p"),
        ("t-acme", "meta", "m", "n"),
        ("t-globex", "", "b", "a"),
    ]
    campaigns = connection.execute("SELECT campaign_id FROM trackai.campaigns WHERE tenant_id = 't-acme' ORDER BY 1")
    assert [name for (name,) in campaigns] == ["b", "n", "p"]


def test_an_alias_may_change_and_its_days_are_due_then(
    database_url: str, connection: Connection[Any], landing: Path
) -> None:
    path = landing / "acme" / "campaign_aliases.jsonl"
    made = []
    for campaign in ("b", "b", "c"):
        load_all(database_url, landing, write_jsonl(path, {"alias": "a", "campaign_id": campaign}))
        row = connection.execute("SELECT campaign_id, created_at FROM trackai.campaign_aliases").fetchone()
        assert row is not None
        assert row[0] == campaign
        made.append(row[1])
    assert made[0] == made[1] < made[2]


def test_rates_of_all_tenants_lie_in_the_landing_folder_itself(
    database_url: str, connection: Connection[Any], landing: Path
) -> None:
    write(
        landing / "fx_rates_ecb.csv",
        "day,base,quote,rate,source\n2026-05-01,eur,usd,1.0800,ECB\n2026-05-02,EUR,USD,1.09,ECB\n",
    )
    write(landing / "fx_rates" / "2026.csv", "day,base,quote,rate\n2026-05-01,USD,BRL,5.65\n")
    write_jsonl(landing / "acme" / "fx_rates.jsonl", {"day": "2026-05-01", "base": "USD", "quote": "BRL", "rate": 5.5})
    write_jsonl(
        landing / "fx_rates_2.jsonl",
        {"tenant": "globex", "day": "2026-05-01", "base": "USD", "quote": "BRL", "rate": 6},
    )
    write_jsonl(
        landing / "somebody" / "fx_rates.jsonl", {"day": "2026-05-01", "base": "USD", "quote": "BRL", "rate": 7}
    )
    # A tenant says nothing for the others.
    write_jsonl(
        landing / "acme" / "fx_rates_2.jsonl",
        {"tenant": "*", "day": "2026-05-01", "base": "USD", "quote": "BRL", "rate": 8},
    )
    load_all(database_url, landing)
    rows = connection.execute(
        "SELECT tenant_id, day::text, base, quote, rate::text, source FROM trackai.fx_rates ORDER BY 1, 2, 3"
    )
    assert rows.fetchall() == [
        ("*", "2026-05-01", "EUR", "USD", "1.08", "ECB"),
        ("*", "2026-05-01", "USD", "BRL", "5.65", None),
        ("*", "2026-05-02", "EUR", "USD", "1.09", "ECB"),
        ("t-acme", "2026-05-01", "USD", "BRL", "5.5", None),
        ("t-globex", "2026-05-01", "USD", "BRL", "6", None),
    ]
    reasons = _reasons(connection)
    assert reasons[0].startswith("tenant '*' is not known")
    assert reasons[1].startswith("no tenant: neither tenant nor tenant_id is given, and the folder 'somebody' is none")


def test_rates_are_restated_like_costs(database_url: str, connection: Connection[Any], landing: Path) -> None:
    rate = {"day": "2026-05-01", "base": "USD", "quote": "BRL"}
    stated = [("5.5", "2026-05-03"), ("5.6", "2026-05-02"), ("5.50", "2026-05-01"), ("5.5", "2026-05-04")]
    for number, (value, moment) in enumerate(stated):
        path = landing / f"fx_rates_{number}.jsonl"
        load_all(database_url, landing, write_jsonl(path, {**rate, "rate": value, "stated_at": moment}))
    rows = connection.execute(
        "SELECT rate, first_stated_at, last_stated_at FROM trackai.fx_rates ORDER BY last_stated_at DESC"
    ).fetchall()
    first, second, last = (datetime(2026, 5, day, tzinfo=UTC) for day in (1, 2, 4))
    assert rows == [(Decimal("5.5"), first, last), (Decimal("5.6"), second, second)]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"rate": 0}, "rate is 0; expected how many units"),
        ({"rate": -1}, "rate is -1; expected a number from 0 to 10^12"),
        ({"rate": None}, "rate is missing"),
        ({"quote": "USD"}, "base and quote are not two currencies"),
        ({"base": "XXX"}, "base 'XXX' is not an ISO 4217 code"),
        ({"day": "2126-05-01"}, "day 2126-05-01 is more than a day ahead of the clock"),
    ],
)
def test_bad_rates(
    database_url: str, connection: Connection[Any], landing: Path, change: dict[str, Any], reason: str
) -> None:
    rate = {"day": "2026-05-01", "base": "USD", "quote": "BRL", "rate": "5.5"}
    write_jsonl(landing / "fx_rates.jsonl", {**rate, **change})
    load_all(database_url, landing)
    (found,) = _reasons(connection)
    assert found.startswith(reason), found


def test_segments_of_users_in_any_order(database_url: str, connection: Connection[Any], landing: Path) -> None:
    stay: dict[str, Any] = {"user_id": "u1", "segment_name": "vip", "valid_from": "2026-05-01"}
    stays = [stay, {**stay, "valid_to": "2026-06-01"}, {**stay, "valid_to": "2026-05-20T12:00:00Z"}]
    rows = []
    for order in ([0, 1, 2], [2, 0, 1]):
        for number in order:
            load_all(
                database_url, landing, write_jsonl(landing / "acme" / f"user_segments_{number}.jsonl", stays[number])
            )
        rows.append(
            connection.execute(
                "SELECT user_id, segment_name, valid_from, valid_to FROM trackai.user_segments"
            ).fetchall()
        )
        connection.execute("TRUNCATE trackai.user_segments")
    assert rows == [[("u1", "vip", datetime(2026, 5, 1, tzinfo=UTC), datetime(2026, 5, 20, 12, tzinfo=UTC))]] * 2
    bad = [{**stay, "valid_to": "2026-05-01"}, {**stay, "valid_from": None}, {**stay, "segment_name": "x" * 101}]
    load_all(database_url, landing, write_jsonl(landing / "acme" / "user_segments_bad.jsonl", *bad))
    assert _reasons(connection) == [
        "valid_to is not after valid_from",
        "valid_from is missing; expected when the user came into the segment",
        "segment_name has 101 characters; at most 100 are taken",
    ]


def test_results_of_holdouts(database_url: str, connection: Connection[Any], landing: Path) -> None:
    lift = {
        "campaign_id": "spring", "from_day": "2026-05-01", "to_day": "2026-05-14", "method": "geo holdout",
        "incremental_conversions": "12.5", "incremental_revenue": -3, "currency": "BRL", "ci_low": -2, "ci_high": 30,
        "stated_at": "2026-05-20",
    }  # fmt: skip
    path = landing / "acme" / "campaign_lifts.jsonl"
    bad = [
        {**lift, "to_day": "2026-04-30"},
        {**lift, "incremental_conversions": None},
        {**lift, "currency": None},
        {**lift, "ci_low": 31},
        {**lift, "campaign_id": None},
    ]
    write_jsonl(path, lift, lift, *bad)
    (report,) = load_all(database_url, landing)
    assert counts(report) == (1, 1, 5)
    row = connection.execute(
        "SELECT campaign_id, incremental_conversions, incremental_revenue, ci_low, source FROM trackai.campaign_lifts"
    ).fetchone()
    assert row == ("spring", Decimal("12.5"), Decimal(-3), Decimal(-2), "")
    assert connection.execute("SELECT campaign_id FROM trackai.campaigns").fetchall() == [("spring",)]
    assert _reasons(connection) == [
        "to_day is before from_day",
        "incremental_conversions is missing",
        "currency is missing; incremental_revenue needs one",
        "ci_high is below ci_low",
        "campaign_id is missing",
    ]
