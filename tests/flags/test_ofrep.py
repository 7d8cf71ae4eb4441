"""OFREP on a real database: the reference exchanges, and who is answered what."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
from flag_values.reference import attribute, own, state, vectors
from flags.ofrep_schema import OF_BULK, OF_ONE
from flags.serving import BULK, EVENTS, SINGLE, key_of, record, serving_flags
from jsonschema import validate
from psycopg import Connection, sql

_EXCHANGES = json.loads((Path(__file__).parent / "vectors" / "ofrep.json").read_text())["exchanges"]
_REFERENCE = vectors("evaluation")
_TENANTS = ("acme", "globex", "initech")
CONTEXT = {"context": {"targetingKey": "user-1", "plan": "free"}}
Add = Callable[..., str]


@pytest.fixture
def tenants(add_tenant: Add) -> None:
    for slug in _TENANTS:
        add_tenant(slug)


@pytest.fixture
def reference_flags(connection: Connection, tenants: None) -> None:
    """The flags of the reference values, with segments."""
    segments = {name: attribute(condition) for name, condition in _REFERENCE["segments"].items()}
    for flag in _REFERENCE["flags"]:
        record(
            connection, flag["key"], state(**{name: flag[name] for name in flag if name != "key"}, segments=segments)
        )


@pytest.fixture(name="client")
def admin_client(home: Path, connection: Connection, database_url: str, tenants: None) -> Iterator[httpx.Client]:
    with serving_flags(database_url, key_of(connection, "acme", "admin")) as client:
        yield client


@pytest.mark.usefixtures("home", "reference_flags")
def test_reference_exchanges(connection: Connection, database_url: str) -> None:
    keys = {slug: key_of(connection, slug) for slug in _TENANTS}
    with serving_flags(database_url) as client:
        for exchange in _EXCHANGES:
            body = exchange.get("raw") or json.dumps(exchange["body"])
            tenant = (exchange.get("body") or {}).get("context") or {}
            key = keys[tenant["tenant"] if tenant else "acme"]
            answer = client.post(exchange["path"], content=body, headers={"X-API-Key": key})
            assert answer.status_code == exchange["status"], exchange
            found = answer.json()
            bulk = exchange["path"] == BULK
            validate(found, (OF_BULK if bulk else OF_ONE)[answer.status_code])
            if answer.status_code == 200:
                assert isinstance(found["metadata"].pop("flagVersion"), int)
                del exchange["answer"]["metadata"]["flagVersion"]
            else:
                assert found.pop("errorDetails")
            assert found == exchange["answer"]
            if isinstance(found.get("value"), float):
                assert '"value":2.0,' in answer.text


@pytest.mark.usefixtures("home", "tenants")
def test_a_key_decides_who_asks(connection: Connection, database_url: str) -> None:
    record(connection, "theme", state(value_type="string", off_value="blue", on_value="blue"))
    record(connection, "theme", own(value="green"), tenant_id="t-globex")
    acme, globex = key_of(connection, "acme"), key_of(connection, "globex")
    body = {"context": {"targetingKey": "user-1", "tenant": "globex"}}

    def value(**headers: str) -> Any:
        return client.post(SINGLE + "theme", json=body, headers=headers).json()["value"]

    with serving_flags(database_url) as client:
        assert value(Authorization=f"Bearer {acme}") == "blue"
        assert value(Authorization=f"bearer  {globex}") == "green"
        assert value(**{"X-API-Key": globex}) == "green"


@pytest.mark.usefixtures("home", "tenants")
def test_who_is_not_answered(connection: Connection, database_url: str) -> None:
    key, limited = key_of(connection, "acme"), key_of(connection, "acme", per_second=1)

    def refused(path: str, **headers: str) -> httpx.Response:
        answer: httpx.Response = client.post(path, json=CONTEXT, headers=headers)
        assert answer.content == b""
        return answer

    with serving_flags(database_url) as client:
        for headers in ({}, {"X-API-Key": ""}, {"X-API-Key": key[:-1] + "x"}, {"Authorization": f"Basic {key}"}):
            for path in (BULK, SINGLE + "dark_mode"):
                answer = refused(path, **headers)
                assert answer.status_code == 401
                assert answer.headers["www-authenticate"].startswith("Bearer ")
        assert client.get(f"/api/features/{key[:-1]}").status_code == 401
        assert client.get(EVENTS, params={"token": key}).status_code == 401

        statuses = [client.post(BULK, json=CONTEXT, headers={"X-API-Key": limited}).status_code for _ in range(5)]
        assert statuses[0] == 200
        assert 429 in statuses
        while (answer := client.post(BULK, json=CONTEXT, headers={"X-API-Key": limited})).status_code == 200:
            pass
        assert (answer.status_code, answer.content, answer.headers["retry-after"]) == (429, b"", "1")

        connection.execute("UPDATE trackai.feature_flag_clients SET revoked_at = now() WHERE per_second IS NULL")
        while (answer := client.post(BULK, json=CONTEXT, headers={"X-API-Key": key})).status_code == 200:
            pass
        assert (answer.status_code, answer.content) == (403, b"")


def test_bodies_that_are_no_request(client: httpx.Client) -> None:
    for path, schema in ((BULK, OF_BULK), (SINGLE + "dark_mode", OF_ONE)):
        for content, code in (
            (b"", "PARSE_ERROR"), (b"\xff", "PARSE_ERROR"), (b"[" * 60_000, "PARSE_ERROR"), (b"1e999", "PARSE_ERROR"),
            (b"null", "INVALID_CONTEXT"), (b"[]", "INVALID_CONTEXT"), (b'{"context": "x"}', "INVALID_CONTEXT"),
        ):  # fmt: skip
            answer = client.post(path, content=content)
            assert (answer.status_code, answer.json()["errorCode"]) == (400, code)
            validate(answer.json(), schema[400])
        most = json.dumps({"context": {"targetingKey": "u", "more": ""}})
        fits = most.replace('""', f'"{"x" * (65_536 - len(most))}"')
        assert client.post(path, content=fits).status_code == 200
        too_large: tuple[Any, ...] = (fits + " ", iter([fits.encode(), b" "]), b" " * 2_000_000)
        for body in too_large:
            assert client.post(path, content=body).status_code == 413


def test_keys_that_no_flag_can_have_are_not_found(client: httpx.Client) -> None:
    for key in ("nothing", "a/b", "a%2Fb", "%20", "{key}", "é", "x" * 1000):
        answer = client.post(SINGLE + key, json=CONTEXT)
        assert answer.status_code == 404
        validate(answer.json(), OF_ONE[404])


@pytest.mark.usefixtures("home", "tenants")
def test_flags_that_clients_may_not_see_are_for_admin_alone(connection: Connection, database_url: str) -> None:
    record(connection, "hidden", state(client_visible=False))
    record(connection, "gone", state(archived=True))
    seen = {}
    with serving_flags(database_url) as client:
        for app_type in ("web", "mobile", "admin"):
            client.headers["X-API-Key"] = key_of(connection, "acme", app_type)
            while (answer := client.post(SINGLE + "hidden", json=CONTEXT)).status_code == 401:
                pass
            keys = [flag["key"] for flag in client.post(BULK, json=CONTEXT).json()["flags"]]
            assert keys == sorted(keys)
            assert "gone" not in keys
            assert client.post(SINGLE + "gone", json=CONTEXT).status_code == 404
            seen[app_type] = (answer.status_code, "hidden" in keys, "email_matching" in keys)
    assert seen == {"web": (404, False, False), "mobile": (404, False, False), "admin": (200, True, True)}


@pytest.mark.usefixtures("home", "reference_flags")
def test_all_flags_at_once(connection: Connection, database_url: str) -> None:
    with serving_flags(database_url, key_of(connection, "acme")) as client:
        for context in _REFERENCE["contexts"]:
            answer = client.post(BULK, json={"context": context})
            body = answer.json()
            validate(body, OF_BULK[200])
            assert body["metadata"] == {"tenant": "acme"}
            alone = [client.post(SINGLE + flag["key"], json={"context": context}).json() for flag in body["flags"]]
            assert body["flags"] == alone
            assert {flag["key"] for flag in body["flags"]} >= {flag["key"] for flag in _REFERENCE["flags"]}
            validate(body["flags"], {"items": {"oneOf": [OF_ONE[200], OF_ONE[400]]}})


@pytest.mark.usefixtures("home", "tenants")
def test_an_etag_changes_when_an_answer_does(connection: Connection, database_url: str) -> None:
    with serving_flags(database_url, key_of(connection, "acme")) as client:

        def asked(etag: str = "", context: Any = CONTEXT) -> httpx.Response:
            answer = client.post(BULK, json=context, headers={"If-None-Match": etag} if etag else {})
            if answer.status_code == 304:
                assert answer.content == b""
                assert answer.headers["etag"] in etag
            return answer

        etag = asked().headers["etag"]
        for known in (etag, f"W/{etag}", f'"x", {etag}', "*"):
            assert client.post(BULK, json=CONTEXT, headers={"If-None-Match": known}).status_code == 304
        for known in ('"x"', etag.strip('"'), ""):
            assert asked(known).status_code == 200
        # Contexts that are answered alike have one.
        assert asked(etag, {"context": {"targetingKey": "user-2"}}).status_code == 304

        # Another tenant's flag, and then one of this tenant.
        record(connection, "dark_mode", own(enabled=False), tenant_id="t-globex")
        version = record(connection, "community_feed", own(enabled=True, rollout_percentage=100), tenant_id="t-acme")
        while (answer := asked(etag)).status_code == 304:
            pass
        assert answer.status_code == 200
        flags = {flag["key"]: flag for flag in answer.json()["flags"]}
        assert flags["community_feed"]["metadata"]["overrideVersion"] == version
        assert flags["dark_mode"]["value"] is True


@pytest.mark.usefixtures("home", "tenants")
def test_a_kill_is_seen_at_once(connection: Connection, database_url: str) -> None:
    record(connection, "checkout", state())
    with serving_flags(database_url, key_of(connection, "acme")) as client:

        def checkout() -> dict[str, Any]:
            found: dict[str, Any] = client.post(SINGLE + "checkout", json=CONTEXT).json()
            return found

        assert checkout()["value"] is True
        version = record(connection, "checkout", state(killed=True))
        while (killed := checkout())["metadata"]["flagVersion"] < version:
            pass
        assert (killed["value"], killed["reason"]) == (False, "DISABLED")


@pytest.mark.usefixtures("home", "tenants")
def test_only_pages_of_a_clients_own_origins_may_read_answers(connection: Connection, database_url: str) -> None:
    shop, other = "https://shop.example", "https://other.example"
    keys = {shop: key_of(connection, "acme", origins=(shop,)), other: key_of(connection, "globex", origins=(other,))}
    allowed = "access-control-allow-origin"
    with serving_flags(database_url) as client:
        for origin, expected in ((shop, shop), (other, other), ("https://evil.example", None), (None, None)):
            given = {"Origin": origin} if origin else {}
            for path, method in (
                (BULK, "POST"),
                (SINGLE + "dark_mode", "POST"),
                (EVENTS, "GET"),
                ("/api/features/x", "GET"),
            ):
                asks = {"Access-Control-Request-Method": method, "Access-Control-Request-Headers": "x-api-key"}
                answer = client.options(path, headers=given | asks)
                assert (answer.status_code, answer.headers.get(allowed)) == (204, expected)
                assert method in answer.headers["access-control-allow-methods"]
                assert {"authorization", "content-type", "if-none-match", "x-api-key"} <= {
                    name.strip().lower() for name in answer.headers["access-control-allow-headers"].split(",")
                }
            answer = client.post(BULK, json=CONTEXT, headers=given | {"X-API-Key": keys[shop]})
            assert answer.status_code == 200
            assert answer.headers["vary"] == "Origin"
            assert answer.headers.get(allowed) == (shop if origin == shop else None)
            # A page can tell that its key is wrong.
            answer = client.post(BULK, json=CONTEXT, headers=given)
            assert (answer.status_code, answer.headers.get(allowed)) == (401, expected)
        answer = client.post(BULK, json=CONTEXT, headers={"Origin": shop, "X-API-Key": keys[shop]})
        assert answer.headers["access-control-expose-headers"] == "ETag, Retry-After"
        answer = client.post(BULK, content=b"", headers={"Origin": shop, "X-API-Key": keys[shop]})
        assert (answer.status_code, answer.headers[allowed]) == (400, shop)


@pytest.mark.usefixtures("home", "tenants")
def test_checks_are_counted_as_the_apps(connection: Connection, database_url: str) -> None:
    context = {"targetingKey": "user-1", "device": {"os": "iOS"}}
    with serving_flags(database_url, key_of(connection, "acme", "mobile")) as client:
        for _ in range(3):
            client.post(SINGLE + "dark_mode", json={"context": context}, headers={"X-Request-Id": "request-0001"})
        flags = client.post(BULK, json={"context": context}).json()["flags"]
        client.post(SINGLE + "nothing", json={"context": context})
    # Written when the server ends.
    rows = connection.execute(
        "SELECT f.key, u.user_id, u.app_type, u.value_used, u.device_info, u.request_id, sum(u.checks),"
        " sum(u.cache_hits), sum(u.response_us) > 0, u.error_code"
        " FROM trackai.feature_flag_usage u LEFT JOIN trackai.feature_flags f ON f.id = u.flag_id"
        " WHERE u.tenant_id = 't-acme' GROUP BY u.flag_id, f.key, u.user_id, u.app_type, u.value_used, u.device_info,"
        " u.request_id, u.error_code"
    ).fetchall()
    by_key = {row[0]: row[1:] for row in rows}
    assert by_key["dark_mode"] == ("user-1", "mobile", True, {"os": "iOS"}, "request-0001", 4, 4, True, None)
    assert by_key[None][-1] == "FLAG_NOT_FOUND"
    assert by_key.keys() == {flag["key"] for flag in flags} | {None}


@pytest.mark.usefixtures("home")
def test_without_a_database_it_says_so_and_recovers(
    database_url: str, server_url: str, connection: Connection, tenants: None
) -> None:
    key = key_of(connection, "acme")
    name = database_url.rpartition("/")[2].partition("?")[0]
    allow = sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS {}")
    with psycopg.connect(server_url, autocommit=True) as server, serving_flags(database_url, key) as client:
        server.execute(allow.format(sql.Identifier(name), sql.SQL("false")))
        assert client.get("/healthz").json() == {"status": "ok"}
        assert client.get("/readyz").status_code == 503
        for path, schema in ((BULK, OF_BULK), (SINGLE + "dark_mode", OF_ONE)):
            answer = client.post(path, json=CONTEXT)
            assert answer.status_code == 500
            validate(answer.json(), schema[500])
            assert "database does not answer" in answer.json()["errorDetails"]
        server.execute(allow.format(sql.Identifier(name), sql.SQL("true")))
        while client.get("/readyz").status_code != 200:
            pass
        assert client.post(SINGLE + "dark_mode", json=CONTEXT).json()["value"] is True
        assert client.get("/metrics").status_code == client.get("/").status_code == 404
