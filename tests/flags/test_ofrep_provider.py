"""OpenFeature's own OFREP provider for Python against a running server: every type, and every error."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest
from flag_values.reference import own, state
from flags.serving import key_of, record, serving_flags
from openfeature.contrib.provider.ofrep import OFREPProvider
from openfeature.evaluation_context import EvaluationContext
from openfeature.exception import ErrorCode, OpenFeatureError
from openfeature.flag_evaluation import Reason
from psycopg import Connection

Add = Callable[..., str]
USER = EvaluationContext("user-1", {"plan": "premium", "orders": 3, "tenant": "globex"})


@pytest.fixture
def server(home: object, connection: Connection, database_url: str, add_tenant: Add) -> Iterator[httpx.Client]:
    """A server with a flag of each type, and one that divides its users."""
    add_tenant("acme")
    add_tenant("globex")
    record(connection, "bool", state())
    record(connection, "text", state(value_type="string", off_value="blue", on_value="grün"))
    record(connection, "int", state(value_type="integer", off_value="5", on_value="10"))
    record(connection, "float", state(value_type="number", off_value="0.5", on_value="2"))
    record(connection, "object", state(value_type="json", off_value="{}", on_value='{"cols": 3, "title": "Olá"}'))
    record(connection, "half", state(rollout_percentage=50))
    record(connection, "broken", state(value_type="integer", off_value="5", on_value="ten"))
    record(connection, "text", own(value="red"), tenant_id="t-globex")
    with serving_flags(database_url) as client:
        yield client


@contextmanager
def provider(server: httpx.Client, key: str) -> Iterator[OFREPProvider]:
    made = OFREPProvider(str(server.base_url), headers_factory=lambda: {"Authorization": f"Bearer {key}"}, timeout=60)
    made.session.trust_env = False
    try:
        yield made
    finally:
        made.session.close()


def test_every_type(server: httpx.Client, connection: Connection) -> None:
    with provider(server, key_of(connection, "acme")) as acme:
        found = [
            acme.resolve_boolean_details("bool", False, USER),
            acme.resolve_string_details("text", "", USER),
            acme.resolve_integer_details("int", 0, USER),
            acme.resolve_float_details("float", 0.0, USER),
            acme.resolve_object_details("object", {}, USER),
        ]
    assert [one.value for one in found] == [True, "grün", 10, 2.0, {"cols": 3, "title": "Olá"}]
    assert {(one.reason, one.variant) for one in found} == {(Reason.STATIC, "on")}
    assert all(one.flag_metadata["flagVersion"] for one in found)


def test_the_key_and_not_the_context_names_the_tenant(server: httpx.Client, connection: Connection) -> None:
    with provider(server, key_of(connection, "globex")) as globex:
        assert globex.resolve_string_details("text", "", EvaluationContext("u", {"tenant": "acme"})).value == "red"


def error(ask: Callable[[], Any]) -> ErrorCode | None:
    with pytest.raises(OpenFeatureError) as raised:
        ask()
    assert raised.value.error_message
    return raised.value.error_code


def test_every_error(server: httpx.Client, connection: Connection) -> None:
    with provider(server, key_of(connection, "acme")) as acme:
        nobody = EvaluationContext(None, {"plan": "free"})
        wrong = EvaluationContext(None, {"targetingKey": True})
        assert error(lambda: acme.resolve_boolean_details("nothing", False, USER)) is ErrorCode.FLAG_NOT_FOUND
        assert error(lambda: acme.resolve_boolean_details("half", False, nobody)) is ErrorCode.TARGETING_KEY_MISSING
        assert error(lambda: acme.resolve_boolean_details("half", False, wrong)) is ErrorCode.INVALID_CONTEXT
        assert error(lambda: acme.resolve_integer_details("broken", 0, USER)) is ErrorCode.PARSE_ERROR
        # Without a context it sends none.
        assert error(lambda: acme.resolve_boolean_details("bool", False, None)) is ErrorCode.INVALID_CONTEXT
        assert error(lambda: acme.resolve_boolean_details("int", False, USER)) is ErrorCode.TYPE_MISMATCH
        assert error(lambda: acme.resolve_float_details("int", 0.0, USER)) is ErrorCode.TYPE_MISMATCH


def test_who_is_not_answered(server: httpx.Client, connection: Connection) -> None:
    key, limited = key_of(connection, "acme"), key_of(connection, "acme", per_second=1)

    def until_refused(client: OFREPProvider) -> OpenFeatureError:
        while True:
            try:
                client.resolve_boolean_details("bool", False, USER)
            except OpenFeatureError as refused:
                return refused

    with provider(server, key[:-1]) as unknown:
        refused = until_refused(unknown)
        assert (refused.error_code, refused.error_message) == (ErrorCode.GENERAL, "unauthorized")
    with provider(server, limited) as hasty:
        refused = until_refused(hasty)
        assert refused.error_code is ErrorCode.GENERAL
        assert refused.error_message == "Rate limited, retry after: 1"
        assert hasty.retry_after is not None
        # It asks nothing until then.
        assert "paused due to TooManyRequests" in str(until_refused(hasty).error_message)
    with provider(server, key) as revoked:
        connection.execute("UPDATE trackai.feature_flag_clients SET revoked_at = now()")
        refused = until_refused(revoked)
        assert (refused.error_code, refused.error_message) == (ErrorCode.GENERAL, "forbidden")
