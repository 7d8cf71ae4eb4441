"""Flags as a file: exported, applied elsewhere, applied again; and flags in source code."""

import json
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from flags.changing import audit, change, create, flag_id, kill, rows_differ_from_history, versions
from psycopg import Connection
from typer.testing import Result

from trackai_pipelines.clock import utc_now
from trackai_pipelines.flags.altering import change_row, set_fields
from trackai_pipelines.flags.applying import apply_file
from trackai_pipelines.flags.flag_file import exported, read_file, written
from trackai_pipelines.flags.recording import Author, writing
from trackai_pipelines.flags.references import references
from trackai_pipelines.flags.rules import FlagRefusedError

Run = Callable[..., Result]
AddTenant = Callable[..., str]


def _row(variant: str, weight: int, segment: str | None = None, value: str | None = None) -> Any:
    return change_row(variant, segment, weight=weight, value=value, active=None, position=None, remove=False)


@pytest.fixture
def world(connection: Connection[Any], add_tenant: AddTenant, trackai: Run) -> str:
    """Flags of every kind; returns them as a file."""
    for slug in ("acme", "globex"):
        add_tenant(slug)
    for arguments in (
        ("segment", "staff", "--condition", '{"staff": true}'),
        ("segment", "regulars", "--conversions", '{"within_days": 30}'),
    ):
        assert trackai("flags", *arguments).exit_code == 0
    described = {"owner_email": "web@example.com", "description": "É", "expires_on": date(2030, 1, 2)}
    create(connection, "zz_first", described=described)
    create(connection, "theme", value_type="string", off_value="blue", on_value="blue", enabled=True, salt="s")
    change(connection, "theme", _row("a", 40, value="green"))
    change(connection, "theme", _row("b", 40))
    change(connection, "theme", _row("on", 100, "staff"))
    change(connection, "theme", set_fields({}, requires=["zz_first"]))
    change(connection, "theme", _row("mine", 10), tenant="acme", reshuffle=True)
    change(connection, "dark_mode", {"enabled": False}, tenant="acme", until=datetime.now(UTC) + timedelta(days=9))
    change(connection, "email_matching", {"enabled": True, "rollout_percentage": 30})
    change(connection, "lookback_days", {"enabled": True, "value": "30"}, tenant="globex")
    return written(exported(connection, utc_now(), tenants=True))


def _apply(connection: Connection[Any], text: str, *, dry_run: bool = False, reshuffle: bool = False) -> list[str]:
    with writing(connection, utc_now, dry_run=dry_run) as now:
        done = apply_file(connection, read_file(text.encode()), Author("ana", "reviewed"), now, reshuffle=reshuffle)
    return [one.what for one in done]


def test_applying_what_is_there_changes_nothing(connection: Connection[Any], world: str) -> None:
    before = connection.execute("SELECT max(id) FROM trackai.feature_flag_audit_log").fetchone()
    assert _apply(connection, world) == []
    assert connection.execute("SELECT max(id) FROM trackai.feature_flag_audit_log").fetchone() == before


def test_a_file_makes_the_same_flags_elsewhere(
    connection: Connection[Any], world: str, empty_database_url: str
) -> None:
    from trackai_pipelines.database.connection import connect
    from trackai_pipelines.database.migrate import migrate

    migrate(empty_database_url)
    with connect(empty_database_url) as elsewhere:
        for slug in ("acme", "globex"):
            elsewhere.execute(
                "INSERT INTO trackai.tenants (id, slug, name) VALUES (%s, %s, 'x')", (f"other-{slug}", slug)
            )
        done = _apply(elsewhere, world)
        assert done.index("zz_first") < done.index("theme")
        assert {"segment staff", "theme at acme", "dark_mode at acme", "email_matching", "lookback_days at globex"} <= {
            *done
        }
        # New flags come with what they are described with, in one version.
        assert [row["action"] for row in audit(elsewhere, "theme")][:1] == ["CREATE"]
        assert len([row for row in versions(elsewhere, "theme") if row["tenant_id"] is None]) == 1
        assert written(exported(elsewhere, utc_now(), tenants=True)) == world
        assert _apply(elsewhere, world) == []
        assert rows_differ_from_history(elsewhere) == []
        assert elsewhere.execute("SELECT lookback_days FROM trackai.tenants WHERE slug = 'globex'").fetchone() == (30,)


def test_what_differs_is_changed_and_nothing_else(connection: Connection[Any], world: str) -> None:
    file = json.loads(world)
    by_key = {flag["key"]: flag for flag in file["flags"]}
    by_key["social_sharing"]["enabled"] = False
    by_key["zz_first"].pop("description")
    by_key["theme"]["overrides"]["acme"] = None
    done = _apply(connection, json.dumps(file), dry_run=True, reshuffle=True)
    assert done == ["social_sharing", "zz_first: description", "theme at acme"]
    assert done == _apply(connection, json.dumps(file), reshuffle=True)
    assert audit(connection, "social_sharing")[-1]["change_reason"] == "reviewed"
    assert connection.execute("SELECT description FROM trackai.feature_flags WHERE key = 'zz_first'").fetchone() == (
        None,
    )
    assert versions(connection, "theme")[-1]["state"] is None
    assert _apply(connection, json.dumps(file)) == []
    del file["flags"][:]
    assert _apply(connection, json.dumps(file)) == []


def test_a_kill_is_neither_carried_nor_lifted(connection: Connection[Any], world: str) -> None:
    kill(connection, "dark_mode")
    kill(connection, "social_sharing", tenant="acme")
    assert "kill" not in written(exported(connection, utc_now(), tenants=True))
    assert _apply(connection, world) == []
    assert connection.execute("SELECT killed FROM trackai.feature_flags WHERE key = 'dark_mode'").fetchone() == (True,)


@pytest.mark.parametrize(
    ("change_file", "said"),
    [
        (lambda file: file.update(form="other"), "trackai flags export"),
        (lambda file: file["flags"][0].update(colour="red"), "unknown field `colour` - at `\\$.flags\\[0\\]`"),
        (lambda file: file["flags"].append(file["flags"][0]), "names a flag twice"),
        (lambda file: file["flags"][0].update(value_type="string"), "type of a flag"),
        (lambda file: file["flags"][0].update(rollout_percentage=101), "from 0 to 100"),
        (lambda file: file["flags"][0].update(overrides={"nobody": {"enabled": True}}), "no tenant nobody"),
        (lambda file: file["flags"][0].update(requires=["gone"]), "no such flag"),
    ],
)  # fmt: skip
def test_what_is_refused_changes_nothing(
    connection: Connection[Any], world: str, change_file: Callable[[Any], None], said: str
) -> None:
    file = json.loads(world)
    file["flags"].reverse()
    file["flags"][-2]["enabled"] = not file["flags"][-2].get("enabled", False)
    file["flags"].sort(key=lambda flag: flag["key"] != "zz_first")
    change_file(file)
    before = connection.execute("SELECT max(id) FROM trackai.feature_flag_audit_log").fetchone()
    with pytest.raises(FlagRefusedError, match=said):
        _apply(connection, json.dumps(file), reshuffle=True)
    assert connection.execute("SELECT max(id) FROM trackai.feature_flag_audit_log").fetchone() == before


def test_the_commands(connection: Connection[Any], world: str, trackai: Run, tmp_path: Path) -> None:
    file = tmp_path / "flags.json"
    file.write_text(trackai("flags", "export").stdout, encoding="utf-8")
    assert "nothing to change" in trackai("flags", "apply", file).output
    file.write_text(world.replace('"name": "Dark mode"', '"name": "Night"'), encoding="utf-8")
    assert "dark_mode: name changed" in " ".join(trackai("flags", "apply", file, "--dry-run").output.split())
    assert json.loads(trackai("flags", "apply", file, "--json").stdout) == {"changed": ["dark_mode: name"]}
    assert '"overrides"' not in trackai("flags", "export", "--no-tenants").stdout
    features = json.loads(trackai("flags", "export", "--format", "growthbook", "--tenant", "acme").stdout)["features"]
    assert features["community_feed"] == {"defaultValue": False}
    assert "email_matching" not in features
    assert trackai("flags", "export", "--format", "growthbook").exit_code == 2
    file.write_text("{", encoding="utf-8")
    assert "That is not a file of flags" in " ".join(trackai("flags", "apply", file).output.split())


SOURCE = {
    "shop/app.py": 'if flags.is_on("dark_mode", tenant="acme"):\n    flags.is_on(\n        "gone_flag",\n    )\n',
    "web/page.tsx": "const on = useBooleanFlagValue('community_feed', false); c.getStringValue<T>(`other.theme`)\n",
    "web/feed.js": "// a dark_modes or my.dark_mode is another word; dark_mode.enabled is none\n",
    "ops.md": "POST /ofrep/v1/evaluate/flags/limit2 and dark_mode, community_feed.\n",
    "node_modules/x/index.js": "isOn('ignored_one')",
    ".git/config": "isOn('ignored_two')",
}


def test_references_in_source(tmp_path: Path) -> None:
    for name, text in SOURCE.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    (tmp_path / "picture.bin").write_bytes(b"\xff\xfe isOn('ignored_three')")
    found = references([tmp_path], ["dark_mode", "community_feed", "receipt_generation"])

    def places(of: Any) -> dict[str, list[tuple[str, int]]]:
        return {
            key: [(place.path.relative_to(tmp_path).as_posix(), place.line) for place in where]
            for key, where in of.items()
        }

    assert places(found.named) == {
        "community_feed": [("ops.md", 1), ("web/page.tsx", 1)],
        "dark_mode": [("ops.md", 1), ("shop/app.py", 1)],
    }
    assert places(found.unknown) == {
        "gone_flag": [("shop/app.py", 3)],
        "limit2": [("ops.md", 1)],
        "other.theme": [("web/page.tsx", 1)],
    }
    assert found.unnamed == ["receipt_generation"]


def test_references_command(connection: Connection[Any], trackai: Run, tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text('flags.is_on("dark_mode"); flags.is_on("nothing")\n', encoding="utf-8")
    output = trackai("flags", "references", tmp_path).output
    assert "nothing: there is no such flag" in output
    assert "community_feed: no source names it" in output
    assert "email_matching" not in output
    found = json.loads(trackai("flags", "references", tmp_path, "--json").stdout)
    assert list(found["named"]) == ["dark_mode"]
    assert flag_id(connection, "dark_mode")
