"""Placeholders name no click, nobody's hash no person, and the database has the same list as Python."""

import re
from collections.abc import Callable
from datetime import timedelta
from hashlib import sha256

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from matching.facts import SALE, decided, insert_click, insert_sale, log_of
from psycopg import Connection

from lint.placeholders import statements
from trackai_pipelines.customer_information.placeholders import is_placeholder, known_contact, nobodys_texts
from trackai_pipelines.delivery.cookies import well_formed_fbc, well_formed_fbclid, well_formed_fbp
from trackai_pipelines.matching.drain import drain
from trackai_pipelines.matching.rematch import enqueue_rematch

AddTenant = Callable[..., str]
EARLIER = SALE - timedelta(hours=1)
PIECES = st.sampled_from(
    [
        "undefined", "NULL", "none", "NaN", "n", "a", "/", "0", "1", "fbclid", "click", "id", "not", "set",
        "object", "x",
        "IwAR", "{", "}", "<", ">", "[", "]", "(", ")", "__", "_", "@", "#", "*", "|", "$", "%", "%25", "%20",
        "%7B", "%7d",
        "%2", "%fb", "%FF", "%00", "%7f", "%75", "%4E", "&quot;", "&lt;", "&gt;", "&#x3c;", "&", ";", "-", "+",
        '"', "\\",
        "\u00e9", "\u0130", "\u212a", "\u017f", "\U0001f600",
    ]
)  # fmt: skip
TEXTS = st.one_of(
    st.lists(PIECES, min_size=1, max_size=7).map("".join),
    st.builds(lambda piece, times: piece * times, PIECES, st.integers(4, 60)),
)


def _hash(text: str) -> str:
    return sha256(text.encode()).hexdigest()


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(texts=st.lists(TEXTS, min_size=1, max_size=50))
def test_the_database_and_python_have_the_same_placeholders(connection: Connection, texts: list[str]) -> None:
    found = connection.execute(
        "SELECT trackai.is_placeholder(text), trackai.well_formed_fbclid(text), trackai.fbclid_of_fbc(around),"
        " trackai.browser_key(around)"
        " FROM unnest(%s::text[], %s::text[]) WITH ORDINALITY AS t (text, around, n) ORDER BY n",
        (texts, [f"fb.{n % 14}.1700000000000.{text}.AQ" for n, text in enumerate(texts)]),
    ).fetchall()
    for n, (text, row) in enumerate(zip(texts, found, strict=True)):
        around = f"fb.{n % 14}.1700000000000.{text}"
        assert row == (
            is_placeholder(text),
            well_formed_fbclid(text),
            text if well_formed_fbc(around) else None,
            well_formed_fbp(around),
        )


def test_the_functions_are_made_of_the_present_list(connection: Connection) -> None:
    """If this fails the list has changed: put what `python -m lint.placeholders` prints into a migration."""
    is_placeholder_now, contact_hash_now = statements()
    body = connection.execute("SELECT prosrc FROM pg_proc WHERE oid = 'trackai.is_placeholder'::regproc").fetchone()
    assert body is not None
    assert body[0] in is_placeholder_now
    shown = connection.execute("SELECT pg_get_functiondef('trackai.contact_hash'::regproc)").fetchone()
    assert shown is not None
    assert set(re.findall("[0-9a-f]{16}", shown[0])) == set(re.findall("[0-9a-f]{16}", contact_hash_now))


def test_the_database_and_python_have_the_same_hashes(connection: Connection) -> None:
    hashes = [*map(_hash, nobodys_texts()), *(_hash(f"ana{n}@example.com") for n in range(500)), None]
    found = connection.execute(
        "SELECT trackai.contact_hash(hash) FROM unnest(%s::text[]) WITH ORDINALITY AS t (hash, n) ORDER BY n", (hashes,)
    ).fetchall()
    assert [row for (row,) in found] == [known_contact(digest) for digest in hashes]
    assert sum(row is not None for (row,) in found) == 500


@pytest.mark.parametrize(
    "keys",
    [
        {"fbclid": "undefined"},
        {"fbclid": " NULL\n"},
        {"fbclid": "%7B%7Bfbclid%7D%7D"},
        {"fbc": "fb.1.1700000000000.undefined"},
        {"fbc": "fb.1.1700000000000.null.AQ", "fbclid": "{fbclid}"},
        {"fbc": "fb.3.1700000000000.%5Bobject%20Object%5D"},
        {"fbc": "fb.1.1700000000000.", "fbclid": "0"},
        {"fbp": "fb.1.1700000000000.undefined"},
        {"fbp": "fb.1.1700000000000.0"},
        {"fbp": "undefined"},
    ],
)
def test_two_visitors_do_not_share_a_placeholder(
    connection: Connection, add_tenant: AddTenant, keys: dict[str, str]
) -> None:
    tenant = add_tenant("acme")
    insert_click(connection, tenant, EARLIER, **keys)
    sale = insert_sale(connection, tenant, "e", **keys)
    drain(connection, run_id="test")
    by_click = "malformed_key" if {"fbc", "fbclid"} & set(keys) else "no_key"
    by_browser = "malformed_key" if "fbp" in keys else "no_key"
    before = [(1, "fbc", by_click), (2, "fbp", by_browser)]
    assert (decided(connection)["e"], log_of(connection, sale)) == (("unmatched", None), before)
    # Neither does a click that comes late, nor a look that is asked for.
    insert_click(connection, tenant, EARLIER, **keys)
    drain(connection, run_id="late")
    assert log_of(connection, sale) == before
    assert enqueue_rematch(connection, SALE.date(), SALE.date()) == 1
    drain(connection, run_id="asked")
    assert decided(connection)["e"] == ("unmatched", None)
    assert log_of(connection, sale)[2:] == [(3, "fbc", by_click), (4, "fbp", by_browser)]


@pytest.mark.parametrize(
    ("sale", "click", "strategy"),
    [
        ({"fbc": "fb.1.1700000000000.undefined", "fbclid": "AbC"}, {"fbclid": "AbC"}, "fbc"),
        ({"fbc": "fb.1.1700000000000.", "fbclid": "AbC"}, {"fbclid": "AbC"}, "fbc"),
        ({"fbclid": "AbC"}, {"fbc": "fb.1.1700000000000.null", "fbclid": "AbC"}, "fbc"),
        ({"fbc": "undefined", "fbp": "fb.1.17.99"}, {"fbp": "fb.1.17.99.AQ"}, "fbp"),
        ({"fbc": "fb.3.1700000000000.AbC"}, {"fbc": "fb.3.1700000000000.AbC"}, "fbc"),
        ({"fbc": "fb.12.1700000000000.AbC.AQQCAQIA"}, {"fbc": "fb.1.16.AbC.Ag"}, "fbc"),
        ({"fbp": "fb.3.17.99"}, {"fbp": "fb.3.17.99.AQQCAQ"}, "fbp"),
        ({"fbp": "fb.12.17.99.AQQCAQIA"}, {"fbp": "fb.12.17.99"}, "fbp"),
        # Two domains' cookies are two browsers' for all that is known.
        ({"fbp": "fb.3.17.99"}, {"fbp": "fb.1.17.99"}, "unmatched"),
    ],
)
def test_a_key_is_found_behind_placeholders_indexes_and_appendices(
    connection: Connection, add_tenant: AddTenant, sale: dict[str, str], click: dict[str, str], strategy: str
) -> None:
    tenant = add_tenant("acme")
    insert_sale(connection, tenant, "late", **sale)
    drain(connection, run_id="first")
    insert_click(connection, tenant, EARLIER, **click)
    insert_sale(connection, tenant, "e", **sale)
    drain(connection, run_id="second")
    found = decided(connection)
    assert (found["e"][0], found["late"][0]) == (strategy, strategy)


@pytest.mark.parametrize("text", ["", "undefined", "NULL", "test@test.com", "teste@gmail.com", "{{email}}"])
def test_nobodys_hash_matches_no_click(connection: Connection, add_tenant: AddTenant, text: str) -> None:
    tenant = add_tenant("acme", email_matching=True)
    identify = "INSERT INTO trackai.identities (tenant_id, email_hash, click_id) VALUES (%s, %s, %s)"
    connection.execute(identify, (tenant, _hash(text), insert_click(connection, tenant, EARLIER)))
    sale = insert_sale(connection, tenant, "e", customer_email_hash=_hash(text))
    drain(connection, run_id="test")
    connection.execute(identify, (tenant, _hash(text), insert_click(connection, tenant, EARLIER)))
    drain(connection, run_id="late")
    assert decided(connection)["e"] == ("unmatched", None)
    assert log_of(connection, sale) == [(1, "fbc", "no_key"), (2, "fbp", "no_key"), (3, "email", "malformed_key")]
