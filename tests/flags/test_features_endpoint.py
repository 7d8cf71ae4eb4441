"""The payload for GrowthBook over HTTP: its own client loads it, and serves what OFREP answers."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest
from flag_values.reference import attribute, own, state, vectors
from flags.serving import BULK, key_of, record, serving_flags
from growthbook import GrowthBook
from psycopg import Connection

Add = Callable[..., str]
_REFERENCE = vectors("evaluation")


@pytest.fixture
def keys(home: object, connection: Connection, add_tenant: Add) -> dict[str, str]:
    """The reference flags and overrides of one tenant; the keys of clients, by tenant."""
    for slug in ("acme", "globex"):
        add_tenant(slug)
    segments = {name: attribute(condition) for name, condition in _REFERENCE["segments"].items()}
    for flag in _REFERENCE["flags"]:
        said = {name: value for name, value in flag.items() if name != "key"}
        record(connection, flag["key"], state(**said, segments=segments))
    for key, override in _REFERENCE["overrides"].items():
        record(connection, key, own(**override), tenant_id="t-globex")
    return {slug: key_of(connection, slug) for slug in ("acme", "globex")}


@pytest.mark.parametrize("slug", ["acme", "globex"])
def test_growthbooks_client_serves_what_ofrep_answers(database_url: str, keys: dict[str, str], slug: str) -> None:
    compared = 0
    with serving_flags(database_url, keys[slug]) as client:
        for context in _REFERENCE["contexts"]:
            here = {**context, "tenant": slug}
            sdk = GrowthBook(
                api_host=str(client.base_url),
                client_key=keys[slug],
                attributes={**here, "id": here.get("targetingKey")},
            )
            sdk.load_features()
            features = sdk.get_features()
            for answer in client.post(BULK, json={"context": here}).json()["flags"]:
                if answer["key"] in features and "value" in answer:
                    assert sdk.eval_feature(answer["key"]).value == answer["value"], (answer, context)
                    compared += 1
            sdk.destroy()
    assert compared > 150


def test_who_may_load_it(database_url: str, connection: Connection, keys: dict[str, str]) -> None:
    record(connection, "hidden", state(client_visible=False))
    with serving_flags(database_url) as client:

        def loaded(key: str, **headers: str) -> httpx.Response:
            return client.get(f"/api/features/{key}", headers=headers)

        whole = loaded(keys["acme"]).json()
        assert whole["status"] == 200
        assert "hidden" not in whole["features"]
        assert "hidden" in loaded(key_of_admin(connection, client)).json()["features"]
        assert loaded(keys["acme"]).headers["etag"] != loaded(keys["globex"]).headers["etag"]
        etag = loaded(keys["acme"]).headers["etag"]
        again = loaded(keys["acme"], **{"If-None-Match": etag})
        assert (again.status_code, again.content) == (304, b"")
        assert loaded("nothing").status_code == 401
        text = loaded(keys["globex"]).text
        assert '"coverage"' not in text
        assert '"weights"' not in text


def key_of_admin(connection: Connection, client: httpx.Client) -> str:
    """Add a client that sees all flags, and return its key once the server knows it."""
    key = key_of(connection, "acme", "admin")
    while client.get(f"/api/features/{key}").status_code != 200:
        pass
    return key


def test_a_change_is_in_the_payload(database_url: str, connection: Connection, keys: dict[str, str]) -> None:
    with serving_flags(database_url) as client:

        def feature() -> Any:
            return client.get(f"/api/features/{keys['acme']}").json()["features"]["dark_mode"]

        assert feature() == {"defaultValue": False, "rules": [{"force": True}]}
        record(connection, "dark_mode", state(killed=True))
        while feature() != {"defaultValue": False}:
            pass
