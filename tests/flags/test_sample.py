"""The sample's flags: what is computed from its files is its ground truth, and the proof names what is not."""

import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from psycopg import Connection

from trackai_pipelines.domain import Sample
from trackai_pipelines.domains import DOMAINS
from trackai_pipelines.facts import sample as facts
from trackai_pipelines.flags.analytics import analyse_days, expose_days
from trackai_pipelines.flags.sample import insert, prove, write
from trackai_pipelines.flags.sample_history import BADGE, CHECKOUT, DAYS
from trackai_pipelines.ingest.load import load_paths
from trackai_pipelines.tenants import sample as tenants

TODAY = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)


def written(home: Path, end: datetime = TODAY) -> Sample:
    """A sample of 600 sales over three days, with the files of facts and flags."""
    empty = Sample(7, 3, 600, end, home, home / "landing", truth={})
    return replace(empty, truth={**facts.write(empty), **write(empty)})


def files(home: Path) -> dict[str, bytes]:
    return {str(path.relative_to(home)): path.read_bytes() for path in sorted(home.rglob("flag_*.jsonl"))}


@pytest.fixture
def sample(connection: Connection[Any], database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Sample:
    """Such a sample, loaded and computed."""
    monkeypatch.setenv("TRACKAI_DATABASE_URL", database_url)
    made = written(tmp_path)
    for _ in range(2):
        tenants.insert(connection, made)
        insert(connection, made)
    kinds = [kind for domain in DOMAINS for kind in domain.kinds()]
    reports = load_paths(database_url, [made.landing_dir], landing_dir=made.landing_dir, kinds=kinds)
    assert {report.source for report in reports if report.rejected and "flag_" in report.source} == set()
    for compute in (analyse_days, expose_days):
        assert all(computed for _, computed in compute(connection, days_of(made)))
    return made


def days_of(sample: Sample) -> list[date]:
    """The days of its checks, and today."""
    return [sample.end.date() - timedelta(days=back) for back in range(DAYS, -1, -1)]


def test_the_answer_is_a_function_of_seed_and_end(tmp_path: Path) -> None:
    end = datetime(2026, 3, 1, tzinfo=UTC)
    first, again = (written(tmp_path / name, end) for name in ("one", "two"))
    assert json.dumps(first.truth["flags"]) == json.dumps(again.truth["flags"])
    assert files(tmp_path / "one") == files(tmp_path / "two")
    later = written(tmp_path / "three", end + timedelta(days=1))
    assert first.truth["flags"] != later.truth["flags"]


def test_the_files_come_to_the_totals(tmp_path: Path) -> None:
    made = written(tmp_path)
    rows = {
        (path.parent.name, row["external_id"]): row
        for path in made.landing_dir.rglob("flag_usage_*.jsonl")
        for row in map(json.loads, path.read_text().splitlines())
    }
    totals = made.truth["flags"]["totals"]
    assert sum(total[4] for total in totals) == len(rows) > 2_000
    assert {day for _, _, day, *_ in totals} == {day.isoformat() for day in days_of(made)[:-1]}
    for slug, flag, day, users, checks, on, off, failed, variants in totals:
        of_day = [
            row for (tenant, _), row in rows.items()
            if (tenant, row["flag"], row["accessed_at"][:10]) == (slug, flag, day)
        ]  # fmt: skip
        used = [row.get("value_used") for row in of_day]
        assert (users, checks) == (len({row["user_id"] for row in of_day}), len(of_day))
        assert (on, off, failed) == (used.count(True), used.count(False), used.count(None))
        assert sum(variants.values()) == on + off


def test_raising_percentages_take_nothing_from_anybody(tmp_path: Path) -> None:
    made = written(tmp_path)
    got: dict[tuple[str, str, str], list[str]] = {}
    for path in sorted(made.landing_dir.rglob("flag_usage_*.jsonl")):
        for row in map(json.loads, path.read_text().splitlines()):
            if "variant_key" in row:
                got.setdefault((path.parent.name, row["flag"], row["user_id"]), []).append(row["variant_key"])
    for variants in got.values():
        served = [variant for variant in variants if variant != "off"]
        assert variants == ["off"] * (len(variants) - len(served)) + served
        assert len({*served}) <= 1
    for flag in (CHECKOUT, BADGE):
        assert any({*variants} > {"off"} for (_, of, _), variants in got.items() if of == flag)


def test_what_is_computed_is_the_ground_truth(connection: Connection[Any], sample: Sample) -> None:
    # A home's gates are compared with its sales.
    assert prove(connection, sample).differences == []
    assert "and 10 changes" in prove(connection, sample).agreement
    assert connection.execute("SELECT key, why FROM trackai.v_stale_feature_flags").fetchall() == [
        ("free_shipping_bar", "overdue")
    ]
    asked = connection.execute(
        "SELECT count(*), count(bucket), count(DISTINCT external_id) FROM trackai.feature_flag_usage"
        " WHERE app_type = 'web'"
    ).fetchone()
    users = sum(map(len, sample.truth["flags"]["asked"].values()))
    assert asked == (users, users, users)
    columns = connection.execute("SELECT slug, email_matching, lookback_days FROM trackai.tenants").fetchall()
    assert {("lumina-cursos", True, 90), ("northwind-fitness", False, 45)} <= {*columns}


def test_a_home_without_flags_is_left_alone(connection: Connection[Any], sample: Sample) -> None:
    versions = connection.execute("SELECT count(*) FROM trackai.feature_flag_versions").fetchone()
    old = replace(sample, truth={name: value for name, value in sample.truth.items() if name != "flags"})
    insert(connection, old)
    assert connection.execute("SELECT count(*) FROM trackai.feature_flag_versions").fetchone() == versions
    assert prove(connection, old).differences == []


def test_what_is_wrong_is_named(connection: Connection[Any], sample: Sample) -> None:
    corruptions = {
        """
        UPDATE trackai.feature_flag_analytics SET total_checks = total_checks + 1, enabled_count = enabled_count + 1
        WHERE id = (SELECT min(id) FROM trackai.feature_flag_analytics)
        """: "checks of a day, ",
        """
        UPDATE trackai.feature_flag_usage SET variant_key = 'other'
        WHERE id = (SELECT min(id) FROM trackai.feature_flag_usage WHERE variant_key = 'control')
        """: "its history gives control",
        """
        UPDATE trackai.feature_flag_exposures SET variant_key = 'other'
        WHERE user_id = (SELECT min(user_id) FROM trackai.feature_flag_exposures)
        """: "exposed users, ",
        """
        UPDATE trackai.feature_flag_usage SET variant_key = 'other'
        WHERE id = (SELECT max(id) FROM trackai.feature_flag_usage WHERE app_type = 'web')
        """: "the answer for a user, ",
        """
        DELETE FROM trackai.feature_flag_segment_members m USING trackai.tenants t
        WHERE t.id = m.tenant_id AND t.slug = 'lumina-cursos'
        """: "testers, lumina-cursos: not there, and should be [2]",
        """
        UPDATE trackai.matching_settings SET lookback_days = 46 WHERE lookback_days = 45
        """: "sales by gate, northwind-fitness, lookback_days, 46",
        """
        UPDATE trackai.feature_flags SET owner_email = NULL WHERE key = 'free_shipping_bar'
        """: "a stale flag, free_shipping_bar",
        """
        ALTER TABLE trackai.feature_flag_audit_log DISABLE TRIGGER USER;
        UPDATE trackai.feature_flag_audit_log SET change_reason = 'no idea' WHERE changed_by = 'bruno'
        """: "a change, lookback_days, northwind-fitness",
    }
    for corruption, named in corruptions.items():
        connection.execute(corruption)
        found = prove(connection, sample).differences
        assert any(named in difference for difference in found), (named, found)
