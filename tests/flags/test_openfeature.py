"""The provider under OpenFeature's own SDK: types, errors, events, and a database that goes and comes."""

import asyncio
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from flag_values.world import add_flag, eventually, prepare, switch
from openfeature import api
from openfeature.client import OpenFeatureClient
from openfeature.evaluation_context import EvaluationContext
from openfeature.event import EventDetails, ProviderEvent
from openfeature.exception import ErrorCode, ProviderFatalError, ProviderNotReadyError
from openfeature.flag_evaluation import FlagEvaluationDetails, Reason
from openfeature.provider import ProviderStatus
from psycopg import Connection

from trackai_pipelines.database import embedded
from trackai_pipelines.database.connection import connect
from trackai_pipelines.flag_values.client import Flags, open_flags
from trackai_pipelines.flag_values.feed import STALE_AFTER
from trackai_pipelines.flags.openfeature import TrackaiProvider

Opened = Callable[..., Flags]
_ACME = EvaluationContext("user-1", {"tenant": "acme"})
_VALUES: dict[str, tuple[str, Any]] = {
    "boolean": ("true", True),
    "string": ("blue", "blue"),
    "integer": ("25", 25),
    "number": ("0.5", 0.5),
    "json": ('{"cols": [1, null]}', {"cols": [1, None]}),
}
_OFF = {"boolean": "false", "string": "none", "integer": "0", "number": "0", "json": "{}"}
_DEFAULTS: dict[str, Any] = {"boolean": False, "string": "red", "integer": 1, "float": 1.5, "object": {"none": True}}


@pytest.fixture(autouse=True)
def _alone() -> Iterator[None]:
    """The SDK keeps its provider and its handlers in the process."""
    yield
    api.clear_providers()


@pytest.fixture
def opened(
    database_url: str, home: Path, add_tenant: Callable[..., str], connection: Connection[Any]
) -> Iterator[Opened]:
    """Open the flags of this test's database, which has two tenants and a flag of each type."""
    add_tenant("acme")
    add_tenant("globex")
    for kind, (text, _) in _VALUES.items():
        add_flag(connection, f"a_{kind}", value_type=kind, off_value=_OFF[kind], on_value=text)
    add_flag(connection, "half", rollout_percentage=50)
    add_flag(connection, "by_plan", rollout_percentage=50, bucket_by="plan")
    yield partial(open_flags, database_url, look_seconds=0.05)
    # Before the database goes.
    api.clear_providers()


def asked(
    client: OpenFeatureClient, kind: str, key: str, context: EvaluationContext = _ACME
) -> FlagEvaluationDetails[Any]:
    """Ask as an application does, in turns with the asynchronous form, whose answer is the same."""
    details = getattr(client, f"get_{kind}_details")(key, _DEFAULTS[kind], context)
    again = asyncio.run(getattr(client, f"get_{kind}_details_async")(key, _DEFAULTS[kind], context))
    assert again == details
    found: FlagEvaluationDetails[Any] = details
    return found


def test_values_of_all_types(opened: Opened) -> None:
    api.set_provider_and_wait(TrackaiProvider(opened=opened))
    client = api.get_client()
    assert client.get_provider_status() is ProviderStatus.READY
    kinds = {"boolean": "boolean", "string": "string", "integer": "integer", "number": "float", "json": "object"}
    for kind, (_, value) in _VALUES.items():
        found = asked(client, kinds[kind], f"a_{kind}")
        assert (found.value, type(found.value), found.variant, found.reason) == (
            value,
            type(value),
            "on",
            Reason.STATIC,
        )
        assert found.error_code is None
        assert found.flag_metadata.keys() == {"flagVersion", "overrideVersion"}
    as_float = asked(client, "float", "a_integer")
    assert (as_float.value, type(as_float.value)) == (25.0, float)


@pytest.mark.parametrize(
    ("kind", "key"),
    [
        ("integer", "a_boolean"),
        ("float", "a_boolean"),
        ("string", "a_boolean"),
        ("integer", "a_number"),
        ("boolean", "a_integer"),
        ("object", "a_string"),
        ("string", "a_json"),
    ],
)
def test_another_type_than_asked_for_is_an_error(opened: Opened, kind: str, key: str) -> None:
    api.set_provider_and_wait(TrackaiProvider(opened=opened))
    found = asked(api.get_client(), kind, key)
    assert (found.value, found.reason, found.error_code) == (_DEFAULTS[kind], Reason.ERROR, ErrorCode.TYPE_MISMATCH)


@pytest.mark.parametrize(
    ("key", "context", "code"),
    [
        ("no_such_flag", _ACME, ErrorCode.FLAG_NOT_FOUND),
        ("half", EvaluationContext(attributes={"tenant": "acme"}), ErrorCode.TARGETING_KEY_MISSING),
        ("by_plan", EvaluationContext("u", {"tenant": "acme", "plan": ["free"]}), ErrorCode.INVALID_CONTEXT),
        ("a_boolean", EvaluationContext("u"), ErrorCode.INVALID_CONTEXT),
        ("a_boolean", EvaluationContext("u", {"tenant": "nobody"}), ErrorCode.INVALID_CONTEXT),
        ("a_boolean", EvaluationContext("u", {"tenant": 7}), ErrorCode.INVALID_CONTEXT),
    ],
)
def test_errors_serve_the_callers_default_and_say_why(
    opened: Opened, key: str, context: EvaluationContext, code: ErrorCode
) -> None:
    api.set_provider_and_wait(TrackaiProvider(opened=opened))
    found = asked(api.get_client(), "boolean", key, context)
    assert (found.value, found.reason, found.variant, found.error_code) == (False, Reason.ERROR, None, code)
    assert found.error_message is not None
    assert f"flag {key}" in found.error_message


def test_the_tenant_is_the_providers_or_the_contexts(opened: Opened, connection: Connection[Any]) -> None:
    connection.execute(
        "INSERT INTO trackai.feature_flag_overrides (tenant_id, flag_id, enabled, reason)"
        " SELECT 't-globex', f.id, false, 'not theirs' FROM trackai.feature_flags f WHERE f.key = 'a_boolean'"
    )
    api.set_provider_and_wait(TrackaiProvider(opened=opened))
    api.set_provider_and_wait(TrackaiProvider("t-globex", opened=opened), "globex")
    anyone, globex = api.get_client(), api.get_client("globex")
    assert asked(anyone, "boolean", "a_boolean").value is True
    assert asked(anyone, "boolean", "a_boolean", EvaluationContext("user-1", {"tenant": "globex"})).value is False
    # What a context says does not open another tenant's flags.
    assert asked(globex, "boolean", "a_boolean").value is False
    assert asked(globex, "boolean", "a_boolean").flag_metadata["overrideVersion"] != 0


def test_what_was_asked_is_written_down_at_the_end(opened: Opened, connection: Connection[Any]) -> None:
    api.set_provider_and_wait(TrackaiProvider("acme", opened=opened))
    client = api.get_client()
    for _ in range(3):
        client.get_boolean_value("a_boolean", False, EvaluationContext("user-1"))
    client.get_integer_value("a_boolean", 0, EvaluationContext("user-1"))
    api.clear_providers()
    query = """
        SELECT u.user_id, u.reason, u.error_code, sum(u.checks)::int
        FROM trackai.feature_flag_usage u
        GROUP BY u.user_id, u.reason, u.error_code ORDER BY u.error_code NULLS FIRST
    """
    assert connection.execute(query).fetchall() == [
        ("user-1", "STATIC", None, 3),
        ("user-1", "ERROR", "TYPE_MISMATCH", 1),
    ]


def events_of(client: OpenFeatureClient) -> list[tuple[ProviderEvent, EventDetails]]:
    """Return a list that fills with what the client is told, in order."""
    told: list[tuple[ProviderEvent, EventDetails]] = []
    for event in ProviderEvent:
        client.add_handler(event, partial(_tell, told, event))
    return told


def _tell(told: list[tuple[ProviderEvent, EventDetails]], event: ProviderEvent, details: EventDetails) -> None:
    # Before ours is set, the SDK's own provider is ready.
    if details.provider_name == "trackai":
        told.append((event, details))


def test_a_change_is_told_with_the_flags_that_changed(opened: Opened, connection: Connection[Any]) -> None:
    client = api.get_client("changing")
    told = events_of(client)
    api.set_provider_and_wait(TrackaiProvider("acme", opened=opened), "changing")
    eventually(lambda: [event for event, _ in told] == [ProviderEvent.PROVIDER_READY])
    switch(connection, "a_boolean", False)
    eventually(lambda: len(told) == 2)
    event, details = told[1]
    assert (event, details.flags_changed) == (ProviderEvent.PROVIDER_CONFIGURATION_CHANGED, ["a_boolean"])
    assert details.provider_name == "trackai"
    assert client.get_boolean_value("a_boolean", True, EvaluationContext("user-1")) is False


@pytest.mark.slow
def test_flags_that_cannot_be_read_are_stale_and_served_on(make_home: Callable[..., Path], tmp_path: Path) -> None:
    server_home = make_home("restarted")
    url = embedded.start(server_home).url("postgres")
    prepare(url)
    now = datetime.now(UTC)
    client = api.get_client("restarted")
    told = events_of(client)
    provider = TrackaiProvider(
        "acme", opened=lambda: open_flags(url, home=tmp_path, look_seconds=0.05, clock=lambda: now)
    )
    api.set_provider_and_wait(provider, "restarted")
    user = EvaluationContext("user-1")
    assert client.get_boolean_details("dark_mode", False, user).reason is Reason.STATIC

    embedded.stop(server_home, though_used=True)
    assert client.get_boolean_details("dark_mode", False, user).reason is Reason.STATIC
    now += STALE_AFTER + timedelta(seconds=1)
    stale = client.get_boolean_details("dark_mode", False, user)
    assert (stale.value, stale.reason, stale.flag_metadata["reason"]) == (True, Reason.STALE, "STATIC")
    eventually(lambda: client.get_provider_status() is ProviderStatus.STALE)

    embedded.start(server_home)
    eventually(lambda: len(told) == 3)
    assert client.get_provider_status() is ProviderStatus.READY
    assert client.get_boolean_details("dark_mode", False, user).reason is Reason.STATIC
    with connect(url) as connection:
        switch(connection, "dark_mode", False)
    eventually(lambda: client.get_boolean_value("dark_mode", True, user) is False)
    eventually(lambda: len(told) == 4)
    assert [event.name.removeprefix("PROVIDER_") for event, _ in told] == [
        "READY",
        "STALE",
        "READY",
        "CONFIGURATION_CHANGED",
    ]


@pytest.mark.slow
def test_a_provider_starts_from_the_file_as_stale(make_home: Callable[..., Path], tmp_path: Path) -> None:
    server_home = make_home("cold")
    url = embedded.start(server_home).url("postgres")
    prepare(url)
    open_flags(url, home=tmp_path).close()
    embedded.stop(server_home, though_used=True)
    client = api.get_client("cold")
    api.set_provider_and_wait(TrackaiProvider("acme", opened=partial(open_flags, url, home=tmp_path)), "cold")
    assert client.get_boolean_details("dark_mode", False).reason is Reason.STALE
    eventually(lambda: client.get_provider_status() is ProviderStatus.STALE)
    embedded.start(server_home)
    eventually(lambda: client.get_provider_status() is ProviderStatus.READY)
    assert client.get_boolean_details("dark_mode", False).reason is Reason.STATIC


@pytest.mark.slow
def test_without_database_and_file_it_is_not_ready_until_the_database_answers(
    make_home: Callable[..., Path], tmp_path: Path
) -> None:
    server_home = make_home("away")
    url = embedded.start(server_home).url("postgres")
    prepare(url)
    embedded.stop(server_home, though_used=True)
    client = api.get_client("away")
    told = events_of(client)
    with pytest.raises(ProviderNotReadyError, match="could not be read yet"):
        api.set_provider_and_wait(TrackaiProvider("acme", opened=partial(open_flags, url, home=tmp_path)), "away")
    assert client.get_provider_status() is ProviderStatus.ERROR
    found = client.get_boolean_details("dark_mode", False)
    assert (found.value, found.error_code) == (False, ErrorCode.PROVIDER_NOT_READY)
    eventually(lambda: bool(told))
    assert (told[0][0], told[0][1].error_code) == (ProviderEvent.PROVIDER_ERROR, ErrorCode.PROVIDER_NOT_READY)

    embedded.start(server_home)
    eventually(lambda: client.get_provider_status() is ProviderStatus.READY)
    assert client.get_boolean_value("dark_mode", False) is True


def test_before_it_is_initialised_and_after_it_ended_nothing_is_ready(opened: Opened) -> None:
    provider = TrackaiProvider("acme", opened=opened)
    before = provider.resolve_boolean_details("dark_mode", True)
    api.set_provider_and_wait(provider)
    between = provider.resolve_boolean_details("dark_mode", True)
    api.clear_providers()
    after = provider.resolve_boolean_details("dark_mode", True)
    assert [found.error_code for found in (before, between, after)] == [
        ErrorCode.PROVIDER_NOT_READY,
        None,
        ErrorCode.PROVIDER_NOT_READY,
    ]
    provider.shutdown()


def test_a_url_that_is_none_is_fatal(home: Path) -> None:
    with pytest.raises(ProviderFatalError, match="must look like"):
        api.set_provider_and_wait(TrackaiProvider("acme", opened=partial(open_flags, "mysql://somewhere")))
    found = api.get_client().get_boolean_details("dark_mode", False)
    assert (found.value, found.error_code) == (False, ErrorCode.PROVIDER_FATAL)
