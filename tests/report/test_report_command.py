"""report: where it writes, what it says of days and tenants, and the browser."""

import webbrowser
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from report.pages import Page
from typer.testing import Result

from trackai_pipelines.clock import utc_now

Run = Callable[..., Result]
AddTenant = Callable[..., str]
AddSale = Callable[..., None]


def test_writes_the_asked_days_and_prints_the_path(
    trackai: Run, home: Path, add_tenant: AddTenant, add_sale: AddSale
) -> None:
    add_sale(add_tenant("acme"), "evt_1")
    result = trackai("report", "--from", "2026-01-10", "--to", "2026-01-10")
    assert result.exit_code == 0, result.stderr
    path = home / "reports" / "report-2026-01-10-to-2026-01-10.html"
    assert result.stdout == f"{path}\n"
    page = Page(path)
    assert "10 January 2026" in page.texts
    assert page.texts[page.texts.index("conversions") - 1] == "1"
    assert "no data" not in result.stderr


def test_the_last_30_days_unless_others_are_asked_for(trackai: Run, home: Path, add_tenant: AddTenant) -> None:
    today = utc_now().date()
    add_tenant("acme")
    assert trackai("report", "--tenant", "acme").exit_code == 0
    assert trackai("report", "--to", "2026-01-31").exit_code == 0
    assert {path.name for path in (home / "reports").iterdir()} == {
        f"report-{today - timedelta(days=29)}-to-{today}-acme.html",
        "report-2026-01-02-to-2026-01-31.html",
    }


def test_days_without_data_are_said(trackai: Run, add_tenant: AddTenant) -> None:
    add_tenant("acme")
    result = trackai("report", "--from", "2026-01-10", "--to", "2026-01-12")
    assert result.exit_code == 0
    assert "There is no data from 2026-01-10 to 2026-01-12: the report says so. Load files with" in result.stderr


def test_an_unknown_tenant_and_an_empty_range_are_refused(trackai: Run, home: Path) -> None:
    unknown = trackai("report", "--tenant", "nobody")
    assert unknown.exit_code == 1
    assert "There is no tenant nobody. `trackai tenant list` shows those that there are." in unknown.stderr
    assert trackai("report", "--from", "2026-01-12", "--to", "2026-01-10").exit_code == 2
    assert not (home / "reports").exists()


@pytest.mark.parametrize("opens", [True, False])
def test_opens_it_in_the_browser(trackai: Run, home: Path, monkeypatch: pytest.MonkeyPatch, opens: bool) -> None:
    opened: list[str] = []

    def browse(url: str) -> bool:
        opened.append(url)
        return opens

    monkeypatch.setattr(webbrowser, "open", browse)
    result = trackai("report", "--to", "2026-01-31", "--open")
    assert result.exit_code == 0
    assert opened == [(home / "reports" / "report-2026-01-02-to-2026-01-31.html").as_uri()]
    assert ("No browser could be opened" in result.stderr) is not opens
