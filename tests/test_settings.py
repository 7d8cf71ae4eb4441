"""What the environment decides, and what it must not decide by accident."""

from pathlib import Path

import pytest

from trackai_pipelines.settings import Settings, UndeployableError

VARIABLES = (
    "TRACKAI_DATABASE_URL",
    "DAGSTER_POSTGRES_URL",
    "TRACKAI_HOME",
    "TRACKAI_LANDING_DIR",
    "TRACKAI_ARCHIVE_DIR",
    "TRACKAI_ALERT_WEBHOOK_URL",
    "TRACKAI_FIRST_DAY",
    "TRACKAI_DEPLOYED",
)


@pytest.fixture(autouse=True)
def _empty_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)


def test_without_variables_state_is_in_the_working_directory(tmp_path: Path) -> None:
    settings = Settings()
    assert settings.home == tmp_path / ".trackai"
    assert settings.landing_dir == tmp_path / ".trackai" / "landing"
    assert settings.archive_url == str(tmp_path / ".trackai" / "archive")
    assert settings.dagster_home == tmp_path / ".trackai" / "dagster"
    assert settings.database_url is None


def test_variables_that_only_look_like_settings_are_not_read(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("HOME", "DATABASE_URL", "LANDING_OVERRIDE"):
        monkeypatch.setenv(name, "/somewhere/else")
    settings = Settings()
    assert settings.home == tmp_path / ".trackai"
    assert settings.database_url is None
    assert settings.landing_override is None


def test_variables_are_read_when_asked_and_empty_ones_count_as_unset(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("TRACKAI_HOME", "with space/home")
    monkeypatch.setenv("TRACKAI_LANDING_DIR", "~/landing")
    monkeypatch.setenv("TRACKAI_DATABASE_URL", "")
    settings = Settings()
    assert settings.home == tmp_path / "with space" / "home"
    assert settings.landing_dir == Path.home() / "landing"
    assert settings.database_url is None


def test_the_archive_is_a_folder_or_an_address(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TRACKAI_ARCHIVE_DIR", "old days")
    assert Settings().archive_url == str(tmp_path / "old days")
    monkeypatch.setenv("TRACKAI_ARCHIVE_DIR", "s3://bucket/old days")
    assert Settings().archive_url == "s3://bucket/old days"


def test_webhook_url_does_not_show_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRACKAI_ALERT_WEBHOOK_URL", "https://chat.example/hooks/secret")
    assert "secret" not in repr(Settings())


DEPLOYED = {
    "TRACKAI_DEPLOYED": "1",
    "TRACKAI_DATABASE_URL": "postgresql://user@database/trackai",
    "DAGSTER_POSTGRES_URL": "postgresql://user@database/dagster",
    "TRACKAI_HOME": "/var/lib/trackai",
    "TRACKAI_LANDING_DIR": "/shared/landing",
    "TRACKAI_ARCHIVE_DIR": "s3://bucket/archive",
}


def test_a_deployed_process_is_given_everything(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in DEPLOYED.items():
        monkeypatch.setenv(name, value)
    settings = Settings()
    assert settings.deployed
    assert settings.landing_dir == Path("/shared/landing")


@pytest.mark.parametrize("missing", [name for name in DEPLOYED if name != "TRACKAI_DEPLOYED"])
def test_a_deployed_process_refuses_what_is_missing(monkeypatch: pytest.MonkeyPatch, missing: str) -> None:
    for name, value in DEPLOYED.items():
        monkeypatch.setenv(name, "" if name == missing else value)
    with pytest.raises(UndeployableError, match=f"Set {missing} to .*; it is not set") as refused:
        Settings()
    assert len(refused.value.faults) == 1


@pytest.mark.parametrize("relative", ["TRACKAI_HOME", "TRACKAI_LANDING_DIR", "TRACKAI_ARCHIVE_DIR"])
def test_a_deployed_process_refuses_relative_state(monkeypatch: pytest.MonkeyPatch, relative: str) -> None:
    for name, value in DEPLOYED.items():
        monkeypatch.setenv(name, "state/here" if name == relative else value)
    with pytest.raises(UndeployableError, match=rf"Set {relative} to .*; it is relative \(state/here\)"):
        Settings()
    monkeypatch.setenv("TRACKAI_DEPLOYED", "0")
    assert not Settings().deployed
