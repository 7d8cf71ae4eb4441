"""Settings: everything that the environment decides, read once when a process starts.

What belongs here: names of environment variables, their defaults, folders derived from them. What does not:
tuning constants, which are next to the code they tune, and tenants' secrets.
"""

import re
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import BeforeValidator, Field, ModelWrapValidatorHandler, SecretStr, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from trackai_pipelines.errors import ExpectedError


def token_variable(slug: str) -> str:
    """Return the environment variable of a tenant's access token: the slug upper-cased, `-` and `.` as `_`.

    Slugs that differ only in these signs, or in case, share a variable.
    """
    return "TRACKAI_CAPI_TOKEN_" + re.sub(r"[-.]", "_", slug.upper())


def _absolute(path: str | Path) -> Path:
    return Path(path).expanduser().resolve()


def _absolute_or_url(place: str) -> str:
    return place if "://" in place else str(_absolute(place))


_SHARED = "an absolute path on storage that all processes share, or an address such as s3://bucket/folder"
_DEPLOYED = {
    "TRACKAI_DATABASE_URL": "the URL of the event database, postgresql://user:password@host:5432/name",
    "DAGSTER_POSTGRES_URL": "the URL of Dagster's storage, another database",
    "TRACKAI_HOME": "an absolute path for what this process may lose: logs, reports, dry runs",
    "TRACKAI_LANDING_DIR": f"where producers drop files: {_SHARED}",
    "TRACKAI_ARCHIVE_DIR": f"where archives go: {_SHARED}",
}
"""What a deployed process must be given, and what each variable holds."""


class UndeployableError(ExpectedError):
    """TRACKAI_DEPLOYED is set, and variables are missing or relative; the text says how to set each."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__(f"TRACKAI_DEPLOYED is set, so nothing is assumed. {' '.join(faults)}")
        self.faults = faults


def _stands_alone(place: str) -> bool:
    """Return whether it means the same in every process: a URL, or an absolute path."""
    return "://" in place or Path(place).is_absolute()


EARLIEST_DAY = date(2025, 1, 1)
"""Partitions begin no earlier unless TRACKAI_FIRST_DAY says so: a single sale with a wrong date would add years."""

Folder = Annotated[Path, BeforeValidator(_absolute)]


class Settings(BaseSettings):
    """The environment's variables, validated; empty ones count as unset."""

    model_config = SettingsConfigDict(env_ignore_empty=True)

    database_url: str | None = Field(default=None, validation_alias="TRACKAI_DATABASE_URL")
    database_direct_url: str | None = Field(default=None, validation_alias="TRACKAI_DATABASE_DIRECT_URL")
    """The event database without the pooler of `database_url`, for what needs a session of its own."""
    dagster_postgres_url: str | None = Field(default=None, validation_alias="DAGSTER_POSTGRES_URL")
    home: Folder = Field(default=Path(".trackai"), validate_default=True, validation_alias="TRACKAI_HOME")
    landing_override: Annotated[str, BeforeValidator(_absolute_or_url)] | None = Field(
        default=None, validation_alias="TRACKAI_LANDING_DIR"
    )
    landing_days: int | None = Field(default=None, ge=1, validation_alias="TRACKAI_LANDING_DAYS")
    """Of a landing place in object storage, folders named after older UTC days are not looked into."""
    archive_override: Annotated[str, BeforeValidator(_absolute_or_url)] | None = Field(
        default=None, validation_alias="TRACKAI_ARCHIVE_DIR"
    )

    deployed: bool = Field(default=False, validation_alias="TRACKAI_DEPLOYED")
    """Whether this is one of many processes: nothing is taken from the working directory, and no server is started."""
    own_dagster_home: Folder | None = Field(default=None, validation_alias="DAGSTER_HOME")
    """The instance folder that a deployment provides."""

    drains: int = Field(default=2, ge=0, le=32, validation_alias="TRACKAI_DRAINS")
    dispatchers: int = Field(default=1, ge=0, le=32, validation_alias="TRACKAI_DISPATCHERS")
    resident_life_seconds: float = Field(default=3600, ge=5, validation_alias="TRACKAI_RESIDENT_LIFE_SECONDS")
    """How long a resident run stays before its successor takes over."""
    resident_start_seconds: float = Field(default=30, ge=5, validation_alias="TRACKAI_RESIDENT_START_SECONDS")
    """How long a promised resident is waited for when nothing is known of its run."""
    run_start_seconds: float = Field(default=60, ge=5, validation_alias="TRACKAI_RUN_START_SECONDS")
    """How long a run of this machine may be starting before its process is looked for."""
    run_queue_seconds: float = Field(default=600, ge=5, validation_alias="TRACKAI_RUN_QUEUE_SECONDS")
    """How long a run in Dagster's queue counts as one that will start."""

    first_day: date | None = Field(default=None, validation_alias="TRACKAI_FIRST_DAY")
    """The first UTC day that Dagster shows as a partition."""

    docs_url: str = Field(
        default="http://127.0.0.1:3001/docs", pattern=r"^https?://[^/].*[^/]$", validation_alias="TRACKAI_DOCS_URL"
    )
    """Where readers of Dagster's UI find the pages of docs/; by default the web application of this machine."""

    dagster_keep_days: int = Field(default=14, ge=1, validation_alias="TRACKAI_DAGSTER_KEEP_DAYS")
    """How long Dagster's storage keeps runs that have ended."""

    sensor_timeout_seconds: int = Field(default=60, ge=1, validation_alias="DAGSTER_SENSOR_GRPC_TIMEOUT_SECONDS")
    """How long Dagster lets an evaluation of a sensor take; its own variable, and its own default."""

    alert_webhook_url: SecretStr | None = Field(default=None, validation_alias="TRACKAI_ALERT_WEBHOOK_URL")

    loyalty_token: SecretStr | None = Field(default=None, min_length=16, validation_alias="TRACKAI_LOYALTY_TOKEN")
    """What the app sends to claim rewards for creators; without it no claims are taken over HTTP."""

    @model_validator(mode="wrap")
    @classmethod
    def _refuse_what_is_assumed(cls, values: Any, validate: ModelWrapValidatorHandler[Self]) -> Self:
        """Raise UndeployableError where a deployed process would put state into a place of its own."""
        settings = validate(values)
        if settings.deployed:
            faults = [
                f"Set {name} to {meaning}; it is {f'relative ({given})' if given else 'not set'}."
                for name, meaning in _DEPLOYED.items()
                if not _stands_alone(given := str(values.get(name) or ""))
            ]
            if faults:
                raise UndeployableError(faults)
        return settings

    @property
    def landing_url(self) -> str:
        """Where producers drop files: a folder's path, or an address that fsspec knows (`s3://...`)."""
        return self.landing_override or str(self.home / "landing")

    @property
    def landing_dir(self) -> Path:
        """The folder where producers drop files, for what writes there. Raises ExpectedError where it is no folder."""
        if "://" in self.landing_url:
            raise ExpectedError(
                f"Files cannot be written to {self.landing_url}. Let TRACKAI_LANDING_DIR be a folder for this command."
            )
        return Path(self.landing_url)

    @property
    def archive_url(self) -> str:
        """Where days that leave the database go: a folder's path, or an address that fsspec knows (`s3://...`)."""
        return self.archive_override or str(self.home / "archive")

    @property
    def dagster_home(self) -> Path:
        """Dagster's instance folder: its `dagster.yaml`, compute logs and artefacts."""
        return self.home / "dagster"


class CapiSettings(BaseSettings):
    """How to reach Meta's Conversions API, and how long to wait after a failure."""

    model_config = SettingsConfigDict(env_prefix="TRACKAI_", env_ignore_empty=True)

    capi_url: str = Field(default="https://graph.facebook.com", pattern=r"^https?://[^/]")
    capi_version: str = Field(default="v26.0", pattern=r"^v\d+\.\d+$")
    capi_sandbox_url: str | None = Field(default=None, pattern=r"^https?://[^/]")
    """Where events of tenants go whose flag dispatch_target says sandbox; without it they wait."""
    capi_timeout_seconds: float = Field(default=10, gt=0)
    """From the first byte of a request to the last of its answer."""
    capi_token_dir: Folder | None = None
    """A folder of files named by slug, instead of a variable for each tenant."""
    retry_base_seconds: float = Field(default=1, gt=0)
    circuit_cooldown_seconds: float = Field(default=60, gt=0)


class FlagSettings(BaseSettings):
    """How a process that checks feature flags writes down what it checked."""

    model_config = SettingsConfigDict(env_prefix="TRACKAI_FLAGS_", env_ignore_empty=True)

    flush_seconds: float = Field(default=5, gt=0)
    """How often rows are written; equal checks in between are one row."""
    buffer_keys: int = Field(default=50_000, ge=1)
    """Rows in memory from which on checks are counted without user, device and request."""
