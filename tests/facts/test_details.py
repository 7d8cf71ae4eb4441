"""What a click or a conversion may say besides: kept in its column, left out and noted where it cannot be used."""

import csv
import json
import struct
from collections.abc import Callable, Mapping
from decimal import ROUND_HALF_EVEN, Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from ingest.landing_zone import load_all, sale_record, write_jsonl
from psycopg import Connection, sql
from pyarrow import parquet

from trackai_pipelines.facts import details
from trackai_pipelines.facts.landing import ConversionRecord, records_of
from trackai_pipelines.facts.sale import Sale
from trackai_pipelines.ingest import fields
from trackai_pipelines.ingest.context import Context, Owner
from trackai_pipelines.ingest.outcomes import LeftOut

ITEMS: list[dict[str, Any]] = [
    {"id": "curso-1", "quantity": 2, "price": 48.5, "title": "Curso de violão"},
    {"id": "livro"},
]
STORED = ("contents", "click_ids", "action_source", "limited_data_use", "opt_out")


def context() -> Context:
    """A file of acme's."""
    from trackai_pipelines.clock import utc_now

    return Context({"acme": Owner("acme", "acme", "BR")}, "acme", utc_now())


def rows(connection: Connection, *columns: str, table: str = "conversions") -> list[Any]:
    """These columns of each row, or those of the details, in the order of arrival."""
    query = sql.SQL("SELECT {} FROM {} ORDER BY id").format(
        sql.SQL(", ").join(map(sql.Identifier, columns or STORED)), sql.Identifier("trackai", table)
    )
    return connection.execute(query).fetchall()


def contents(value: object, file: Context | None = None) -> Any:
    """The items that are stored of a value."""
    text = details.contents_of(value, file or context())
    return json.loads(text) if text else None


def click_ids(values: Mapping[str, Any]) -> Any:
    """The click ids that are stored of a record."""
    text = details.click_ids_of(ConversionRecord(**values), context())
    return json.loads(text) if text else None


# Through each format -----------------------------------------------------------------------------------------------


DETAILS: Mapping[str, Any] = {
    "contents": ITEMS,
    "gclid": "CjwKCAexample",
    "click_ids": {"ttclid": "E.C.P.example"},
    "action_source": "physical_store",
    "limited_data_use": True,
    "opt_out": False,
}
EXPECTED = (ITEMS, {"gclid": "CjwKCAexample", "ttclid": "E.C.P.example"}, "physical_store", True, None)


def _as_jsonl(path: Path, record: dict[str, Any]) -> None:
    write_jsonl(path.with_suffix(".jsonl"), record)


def _as_csv(path: Path, record: dict[str, Any]) -> None:
    cells = {name: value if isinstance(value, str) else json.dumps(value) for name, value in record.items()}
    with path.with_suffix(".csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, cells)
        writer.writeheader()
        writer.writerow(cells)


def _as_parquet(path: Path, record: dict[str, Any]) -> None:
    parquet.write_table(pa.Table.from_pylist([record]), path.with_suffix(".parquet"))


@pytest.mark.parametrize("write", [_as_jsonl, _as_csv, _as_parquet])
def test_every_format_brings_the_details(
    connection: Connection, database_url: str, landing: Path, write: Callable[[Path, dict[str, Any]], None]
) -> None:
    write(landing / "conversions", sale_record(1, **DETAILS))
    (report,) = load_all(database_url, landing)
    assert (report.accepted, report.rejected) == (1, 0)
    assert rows(connection) == [EXPECTED]


def test_a_gateway_s_sale_brings_the_details(connection: Connection, database_url: str, landing: Path) -> None:
    def read(_: Mapping[str, object]) -> Any:
        yield Sale(
            gateway_event_id="1",
            value=Decimal(97),
            currency="BRL",
            occurred_at=fields.EARLIEST,
            contents=ITEMS,
            click_ids={"gclid": "CjwKCAexample", "ttclid": "E.C.P.example"},
            action_source="physical_store",
            limited_data_use=True,
        )

    (record,) = records_of(read, "shop", {})
    assert isinstance(record, ConversionRecord)
    file = context()
    assert json.loads(details.contents_of(record.contents, file)) == EXPECTED[0]
    assert json.loads(details.click_ids_of(record, file)) == EXPECTED[1]
    assert record.action_source == EXPECTED[2]
    assert details.restriction_of(record.limited_data_use, "limited_data_use", file) == "t"
    assert details.restriction_of(record.opt_out, "opt_out", file) == ""


def test_clicks_keep_other_networks_ids_and_the_note_says_so(
    connection: Connection, database_url: str, landing: Path
) -> None:
    write_jsonl(
        landing / "acme" / "clicks.jsonl",
        {"external_id": "k1", "msclkid": "abc", "click_ids": {"msclkid": "other", "wbraid": "w1"}},
        {"external_id": "k2", "gclid": "Cj0", "ttclid": ""},
        {"external_id": "k3", "fbclid": "IwAR0"},
    )
    (report,) = load_all(database_url, landing)
    assert [ids for (ids,) in rows(connection, "click_ids", table="clicks")] == [
        {"msclkid": "abc", "wbraid": "w1"},
        {"gclid": "Cj0"},
        None,
    ]
    assert report.note is not None
    for name in ("gclid", "msclkid", "wbraid"):
        assert f"{name} kept, but not matched" in report.note


def test_what_cannot_be_used_costs_no_row_and_is_counted(
    connection: Connection, database_url: str, landing: Path
) -> None:
    write_jsonl(
        landing / "conversions.jsonl",
        sale_record(1, contents="{not JSON", gclid=["x"], action_source=7, opt_out="perhaps"),
        sale_record(2, contents={"id": "a\u0000b", "price": "grátis"}, click_ids="x", ttclid="two words"),
        sale_record(3, contents=[{"title": "no id"}], click_ids={"li_fat_id": "1"}, value="33.333333333"),
        sale_record(4, contents=[{"title": "no id"}]),
    )
    (report,) = load_all(database_url, landing)
    assert (report.accepted, report.rejected) == (4, 0)
    assert rows(connection) == [
        (None, None, "other", None, True),
        ([{"id": "a b"}], None, None, None, None),
        (None, None, None, None, None),
        (None, None, None, None, None),
    ]
    assert rows(connection, "value")[2] == (Decimal("33.3333"),)
    assert report.left_out == {
        LeftOut("contents", "not a list of items"): 1,
        LeftOut("contents", "an item without a usable id"): 2,
        LeftOut("contents", "a price that is no number"): 1,
        LeftOut("gclid", "not a click id"): 1,
        LeftOut("ttclid", "not a click id"): 1,
        LeftOut("click_ids", "not an object"): 1,
        LeftOut("click_ids", "only gclid, wbraid, gbraid, ttclid, msclkid are kept"): 1,
    }
    assert report.note is not None
    assert report.note.split("; ") == [
        "action_source not one of Meta's: taken for other (1 record)",
        "opt_out neither true nor false: taken for true (1 record)",
        "value rounded to four decimals, half to even (1 record)",
    ]


# Items -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given_items", "stored"),
    [
        ([{"id": 77, "quantity": "2", "item_price": "1.50"}], [{"id": "77", "quantity": 2, "price": 1.5}]),
        ({"id": "sku", "quantity": 1.0, "price": 0}, [{"id": "sku", "quantity": 1, "price": 0}]),
        (["sku-1", 2], [{"id": "sku-1"}, {"id": "2"}]),
        ("sku-1", [{"id": "sku-1"}]),
        ('[{"id": "a", "price": 1e3}]', [{"id": "a", "price": 1000}]),
        ([{"id": "a", "quantity": 1.5, "price": -1}], [{"id": "a"}]),
        ([{"id": "a", "quantity": 0, "price": float("nan")}], [{"id": "a"}]),
        ([{"id": "a", "quantity": True, "title": ["t"]}], [{"id": "a"}]),
        ([{"id": "a", "title": "  two\nlines \x00 "}], [{"id": "a", "title": "two lines"}]),
        ([{"id": " "}, {"id": None}, None, 1.5, {"id": "x" * 513}], None),
        ([], None),
        ("", None),
        ("  ", None),
        ("[1, 2", None),
        (True, None),
        (b"x", None),
    ],
)
def test_items(given_items: object, stored: object) -> None:
    assert contents(given_items) == stored


def test_a_long_list_loses_titles_and_then_its_end() -> None:
    many = [{"id": f"sku-{number}", "title": "t" * 300} for number in range(100)]
    file = context()
    assert contents(many, file) == [{"id": f"sku-{number}"} for number in range(100)]
    assert file.left_out == [LeftOut("contents", "titles, because the list is too long")]
    more = contents([{"id": f"sku-{number:04}"} for number in range(1000)])
    assert more == [{"id": f"sku-{number:04}"} for number in range(len(more))]
    assert 300 < len(more) < 1000
    assert len(json.dumps(more, separators=(",", ":"))) <= fields.MAX_TEXT


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.decimals() | st.text() | st.binary(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["id", "quantity", "price", "item_price", "title", "x"]), inner, max_size=5)
    ),
    max_leaves=12,
)


@given(ANYTHING)
def test_whatever_is_given_for_items_only_well_formed_ones_are_stored(value: object) -> None:
    for item in contents(value) or []:
        assert isinstance(item["id"], str)
        assert item["id"] == item["id"].strip() != ""
        assert "\x00" not in item["id"] + item.get("title", "")
        assert set(item) <= {"id", "quantity", "price", "title"}
        assert "quantity" not in item or (type(item["quantity"]) is int and item["quantity"] > 0)
        assert "price" not in item or 0 <= item["price"] <= 10**12


# Other networks' click ids -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "stored"),
    [
        ({"gclid": " Cj0KCQ "}, {"gclid": "Cj0KCQ"}),
        ({"click_ids": '{"wbraid": "w", "gbraid": "g"}'}, {"wbraid": "w", "gbraid": "g"}),
        ({"click_ids": {"gclid": "a"}, "gclid": "b"}, {"gclid": "b"}),
        ({"click_ids": {"gclid": "a"}, "gclid": ""}, {"gclid": "a"}),
        ({"click_ids": {"GCLID": "a"}}, None),
        ({"click_ids": [1]}, None),
        ({"click_ids": "{"}, None),
        ({"ttclid": "x" * 513}, None),
        ({"ttclid": "a\x00b"}, None),
        ({"msclkid": 7}, None),
        ({}, None),
    ],
)
def test_click_ids(values: dict[str, object], stored: object) -> None:
    assert click_ids(values) == stored


@given(st.dictionaries(st.sampled_from([*details.CLICK_IDS, "click_ids"]), ANYTHING))
def test_whatever_is_given_for_click_ids_only_texts_are_stored(values: dict[str, object]) -> None:
    found = click_ids(values) or {}
    assert set(found) <= set(details.CLICK_IDS)
    assert all(value == value.strip() and 0 < len(value) <= 512 for value in found.values())


# Where it happened, and what it may be used for --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "stored"),
    [
        ("website", "website"),
        ("Physical Store", "physical_store"),
        ("PHONE-CALL", "phone_call"),
        ("systemGenerated", "system_generated"),
        (" app ", "app"),
        ("business messaging", "business_messaging"),
        ("Web", "website"),
        ("television", "other"),
        (5, "other"),
        ("", ""),
        ("  ", ""),
        (None, ""),
    ],
)
def test_action_source(written: object, stored: str) -> None:
    assert details.action_source_of(written, context()) == stored


@pytest.mark.parametrize("written", [True, "true", "TRUE", "1", 1, 1.0, Decimal(1), "yes", "perhaps", ["LDU"], 2])
def test_a_restriction_that_is_asked_for(written: object) -> None:
    assert details.restriction_of(written, "opt_out", context()) == "t"


@pytest.mark.parametrize("written", [None, False, "", " ", "false", "No", "0", 0, 0.0, Decimal(0)])
def test_a_restriction_that_is_not_asked_for(written: object) -> None:
    assert details.restriction_of(written, "opt_out", context()) == ""


@given(ANYTHING)
def test_no_value_of_a_restriction_costs_the_row(written: object) -> None:
    assert details.restriction_of(written, "opt_out", context()) in ("", "t")
    assert details.action_source_of(written, context()) in {*details.ACTION_SOURCES, ""}


# Value and currency ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("record", "stored"),
    [
        ({"event_name": "Lead"}, ("Lead", None, None)),
        ({"event_name": "lead", "value": "", "currency": ""}, ("Lead", None, None)),
        ({"event_name": "Lead", "value": 10, "currency": "brl"}, ("Lead", Decimal(10), "BRL")),
        ({"event_name": "Lead", "value": 10}, ("Lead", None, None)),
        ({"event_name": "Lead", "currency": "BRL"}, ("Lead", None, "BRL")),
        ({"event_name": "Lead", "value": 10, "currency": "reais"}, ("Lead", None, None)),
        ({"event_name": "Lead", "value": -1, "currency": "BRL"}, ("Lead", None, "BRL")),
        ({"event_name": "add_to_cart", "value": "9.9", "currency": "USD"}, ("AddToCart", Decimal("9.9"), "USD")),
        ({"event_name": "Quiz done"}, ("Quiz done", None, None)),
        ({"value": 0, "currency": "BRL"}, ("Purchase", Decimal(0), "BRL")),
    ],
)
def test_what_an_event_needs(
    connection: Connection, database_url: str, landing: Path, record: dict[str, Any], stored: object
) -> None:
    plain = {"gateway": "loja", "gateway_event_id": "e-1", "occurred_at": "2026-03-01T12:00:00Z"}
    write_jsonl(landing / "acme" / "conversions.jsonl", plain | record)
    load_all(database_url, landing)
    assert rows(connection, "event_name", "value", "currency") == [stored]


@pytest.mark.parametrize("name", [None, "Purchase", "purchase", " PURCHASE"])
@pytest.mark.parametrize("missing", ["value", "currency"])
def test_a_purchase_needs_both_however_it_is_spelled(
    connection: Connection, database_url: str, landing: Path, name: str | None, missing: str
) -> None:
    write_jsonl(landing / "conversions.jsonl", sale_record(1, event_name=name, **{missing: None}))
    (report,) = load_all(database_url, landing)
    assert (report.accepted, report.rejected) == (0, 1)
    ((reason,),) = connection.execute("SELECT reason FROM trackai.ingest_rejects").fetchall()
    assert reason.startswith(missing)


@given(st.decimals(min_value=0, max_value=10**12, allow_nan=False, allow_infinity=False))
def test_an_amount_is_rounded_half_to_even(value: Decimal) -> None:
    # What a float of 32 bits holds exactly is read as that float.
    assume(Decimal(struct.unpack("f", struct.pack("f", float(value)))[0]) != value or len(value.as_tuple().digits) < 10)
    file = context()
    stored = Decimal(fields.amount_of(value, file.note))
    whole = int(value * 10**30) if value else 0
    quotient, rest = divmod(whole, 10**26)
    expected = quotient + (rest * 2 > 10**26 or (rest * 2 == 10**26 and quotient % 2 == 1))
    assert stored == Decimal(expected).scaleb(-4)
    assert bool(file.noted) == (abs(stored - value) >= Decimal("0.000001"))


@pytest.mark.parametrize(
    ("written", "stored"),
    [
        ("33.333333333", "33.3333"),
        ("66.666666667", "66.6667"),
        ("0.00005", "0.0000"),
        ("0.00015", "0.0002"),
        ("0.00025", "0.0002"),
        ("1e-30", "0.0000"),
        ("49.9", "49.9000"),
        ("129.90000000000001", "129.9000"),
        ("1000000000000", "1000000000000.0000"),
    ],
)
def test_amounts(written: str, stored: str) -> None:
    assert fields.amount_of(Decimal(written), context().note) == stored
    assert Decimal(stored) == Decimal(written).quantize(Decimal("0.0001"), ROUND_HALF_EVEN)
