"""Campaigns: which one a click belongs to, and that all of them are known."""

from pathlib import Path

import pytest
from ingest.landing_zone import counts, load_all, write_jsonl
from psycopg import Connection


@pytest.mark.parametrize(
    ("utm_campaign", "campaign"),
    [
        (None, "(none)"),
        ("", "(none)"),
        (" \t\u00a0", "(none)"),
        ("(none)", "(none)"),
        (" spring sale ", "spring sale"),
        ("Spring", "Spring"),
        ("{{campaign.name}}", "(macro)"),
        ("bf-{campaignid}-2026", "(macro)"),
        ("__CAMPAIGN_NAME__", "(macro)"),
        ("%7Bcampaignid%7D", "(macro)"),
        ("%7bcampaignid%7d", "(macro)"),
        ("__campaign__", "__campaign__"),
        ("{}", "{}"),
        ("50% off", "50% off"),
        ("{not a word}", "{not a word}"),
        ("x" * 600, "x" * 512),
    ],
)
def test_the_campaign_of_a_click(connection: Connection, utm_campaign: str | None, campaign: str) -> None:
    assert connection.execute("SELECT trackai.campaign_of(%s)", [utm_campaign]).fetchone() == (campaign,)


def test_an_alias_goes_before_a_template_and_after_nothing(connection: Connection) -> None:
    found = connection.execute(
        "SELECT trackai.campaign_of(' {x} ', 'spring'), trackai.campaign_of('summer', 'spring'), "
        "trackai.campaign_of(' ', 'spring')"
    ).fetchone()
    assert found == ("spring", "spring", "(none)")


def _campaigns(connection: Connection) -> list[tuple[str, str, str]]:
    return connection.execute(
        "SELECT campaign_id, name, status FROM trackai.campaigns WHERE tenant_id = 't-acme' ORDER BY 1"
    ).fetchall()


def test_clicks_register_their_campaigns_and_files_name_them(
    database_url: str, connection: Connection, landing: Path
) -> None:
    clicks = [{"external_id": n, "utm_campaign": name} for n, name in enumerate(["b", " b ", "{x}", "", "a"])]
    write_jsonl(landing / "acme" / "clicks.jsonl", *clicks)
    write_jsonl(landing / "globex" / "clicks.jsonl", {"utm_campaign": "g"})
    load_all(database_url, landing)
    assert _campaigns(connection) == [
        ("(macro)", "(macro)", "active"),
        ("(none)", "(none)", "active"),
        ("a", "a", "active"),
        ("b", "b", "active"),
    ]
    path = landing / "acme" / "campaigns.jsonl"
    write_jsonl(
        path,
        {"campaign_id": "a", "name": "Autumn", "status": "Paused", "updated_at": "2020-01-01"},
        {"campaign_id": "c"},
        {"campaign_id": "d", "status": "deleted"},
        {"name": "nothing"},
    )
    (report,) = load_all(database_url, landing, path)
    assert (report.kind, *counts(report)) == ("campaigns", 2, 0, 2)
    assert _campaigns(connection)[2:] == [("a", "Autumn", "paused"), ("b", "b", "active"), ("c", "c", "draft")]
    # A click does not bring a campaign back to what it was.
    write_jsonl(landing / "acme" / "clicks2.jsonl", {"utm_campaign": "a"}, {"utm_campaign": "c"})
    load_all(database_url, landing)
    assert _campaigns(connection)[2:] == [("a", "Autumn", "paused"), ("b", "b", "active"), ("c", "c", "draft")]
    reasons = connection.execute("SELECT reason FROM trackai.ingest_rejects ORDER BY line").fetchall()
    assert reasons[0][0].startswith("status 'deleted' is not one of draft, active")
    assert reasons[1][0].startswith("campaign_id is missing")
