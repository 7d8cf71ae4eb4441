"""The models beside each other, and what another window or half-life would have them credit."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from campaigns.worlds import NOW, compute, insert_world, touches_of
from declared import CLICKS
from psycopg import Connection
from typer.testing import Result

from trackai_pipelines.campaigns.models import Credited, what_if
from trackai_pipelines.lifecycle.archive.drop import drop_day
from trackai_pipelines.lifecycle.archive.export import archive_day
from trackai_pipelines.lifecycle.archive.manifest import archives
from trackai_pipelines.lifecycle.archive.store import Store, open_store

Run = Callable[..., Result]
SALE = datetime(2026, 5, 12, 18, 4, tzinfo=UTC)
DAY = SALE.date()
LATER = datetime(2027, 9, 1, tzinfo=UTC)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return open_store(str(tmp_path / "archive"))


@pytest.fixture
def tenant(connection: Connection[Any], add_tenant: Callable[..., str]) -> str:
    """A tenant with a sale of 100 BRL over a and b in its window of 10 days, and c before it; computed."""
    tenant = add_tenant("acme", lookback_days=10)
    clicks: list[dict[str, Any]] = [
        {"id": 1, "days": 20, "utm_campaign": "c", "fbclid": "K1"},
        {"id": 2, "days": 8, "utm_campaign": "a", "fbclid": "K2"},
        {"id": 3, "days": 1, "utm_campaign": "b", "fbclid": "K3"},
    ]
    insert_world(
        connection,
        tenant,
        clicks=[{"fbp": "fb.1.17.7", "created_at": SALE - timedelta(days=c["days"]), **c} for c in clicks],
        conversions=[{"id": 1, "occurred_at": SALE, "fbc": "fb.1.17.K3"}],
        attributions=[{"conversion_id": 1, "click_id": 3}],
    )
    compute(connection, tenant)
    return tenant


def _of(credited: Credited, model: str) -> dict[str, Decimal]:
    return {campaign: revenue[model] for (_, campaign), revenue in credited.revenue.items()}


def test_another_window_finds_other_touches_and_writes_nothing(
    connection: Connection[Any], store: Store, tenant: str
) -> None:
    stored = touches_of(connection, tenant)
    before, wide = what_if(connection, store, tenant, DAY, DAY, lookback_days=30)
    _, narrow = what_if(connection, store, tenant, DAY, DAY, lookback_days=7)
    assert (before.touches, wide.touches, narrow.touches) == (2, 3, 1)
    assert _of(before, "linear") == {"a": 50, "b": 50}
    assert _of(wide, "linear") == {"c": Decimal("33.3333"), "a": Decimal("33.3334"), "b": Decimal("33.3333")}
    assert _of(narrow, "linear") == {"b": 100}
    assert touches_of(connection, tenant) == stored


def test_another_half_life_divides_the_stored_touches(connection: Connection[Any], store: Store, tenant: str) -> None:
    connection.execute("UPDATE trackai.conversions SET fbc = NULL, anonymised_at = %s", (NOW,))
    before, after = what_if(connection, store, tenant, DAY, DAY, half_life_hours=Decimal(24 * 7))
    assert _of(before, "time_decay") == _of(after, "time_decay") == {"a": Decimal("33.3333"), "b": Decimal("66.6667")}
    _, after = what_if(connection, store, tenant, DAY, DAY, half_life_hours=Decimal("3.5") * 24)
    assert _of(after, "time_decay") == {"a": 20, "b": 80}
    assert _of(after, "linear") == {"a": 50, "b": 50}


def test_archived_clicks_are_read_too(
    connection: Connection[Any], database_url: str, store: Store, tenant: str
) -> None:
    live = what_if(connection, store, tenant, DAY, DAY, lookback_days=30)
    for days in (20, 8, 1):
        day = DAY - timedelta(days=days)
        archive_day(connection, database_url, store, CLICKS, day, grace=timedelta(0), clock=lambda: LATER)
    for archive in archives(connection, "clicks"):
        drop_day(connection, store, CLICKS, archive, clock=lambda: LATER + timedelta(days=1))
    assert connection.execute("SELECT count(*) FROM trackai.clicks").fetchone() == (0,)
    assert what_if(connection, store, tenant, DAY, DAY, lookback_days=30) == live
    # Of a click that is in both, only the one in the database counts.
    connection.execute(
        "INSERT INTO trackai.clicks (tenant_id, id, created_at, fbclid, fbp, utm_campaign)"
        " VALUES (%s, 1, %s, 'K1', 'fb.1.17.7', 'c')",
        (tenant, SALE - timedelta(days=20)),
    )
    assert what_if(connection, store, tenant, DAY, DAY, lookback_days=30) == live


def test_commands_show_models_and_what_would_change(
    trackai: Run, connection: Connection[Any], tenant: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRACKAI_ARCHIVE_DIR", str(tmp_path / "archive"))
    days = ("--from", str(DAY), "--to", str(DAY))
    assert "has no figures" in trackai("campaigns", "models", "acme", *days).stderr
    connection.execute(
        """
        INSERT INTO trackai.campaign_credit_daily
        SELECT tenant_id, day, campaign_id, channel, model, currency, sum(credit), sum(revenue), count(*), %s
        FROM trackai.v_conversion_credits GROUP BY 1, 2, 3, 4, 5, 6
        """,
        (NOW,),
    )
    connection.execute(
        "INSERT INTO trackai.campaign_daily_money VALUES (%s, %s, 'b', 'BRL', 1, 100, 12.5, 0, 0, 1, 0, %s)",
        (tenant, DAY, NOW),
    )
    shown = trackai("campaigns", "models", "acme", *days)
    assert [line.split()[:7] for line in shown.stdout.splitlines() if " BRL " in line] == [
        ["b", "BRL", "12.50", "100.00", "100.00", "0.00", "50.00"],
        ["a", "BRL", "-", "0.00", "0.00", "100.00", "50.00"],
    ]

    changed = trackai("campaigns", "what-if", "acme", *days, "--lookback-days", "7")
    assert changed.exit_code == 0, changed.output
    assert "1 touches; 2 are stored." in changed.stdout
    lines = changed.stdout.split("Change to what is stored:")[1].splitlines()
    assert [line.split()[:6] for line in lines if " BRL " in line] == [
        ["a", "BRL", "0.00", "0.00", "-100.00", "-50.00"],
        ["b", "BRL", "0.00", "0.00", "100.00", "50.00"],
    ]
    same = trackai("campaigns", "what-if", "acme", *days, "--lookback-days", "10", "--half-life-days", "7")
    assert "Nothing changes." in same.stdout
    assert trackai("campaigns", "what-if", "acme", *days).exit_code == 2
    assert "There is no tenant nobody" in trackai("campaigns", "models", "nobody", *days).stderr
