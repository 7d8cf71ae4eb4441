"""What is known of a buyer: hashed on arrival, whatever the file or gateway, and never kept raw."""

import csv
import json
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from ingest.landing_zone import load_all, sale_record, write_jsonl
from psycopg import Connection
from pyarrow import parquet

from trackai_pipelines.customer_information.hashing import sha256_hex
from trackai_pipelines.facts.gateways import READERS
from trackai_pipelines.facts.sale import Sale
from trackai_pipelines.ingest.masking import masked, masked_text

BUYER = {
    "first_name": "Antônia",
    "last_name": "D'Ávila Xavier",
    "city": "São João del-Rei",
    "state": "Minas Gerais",
    "zip": "36307-334",
    "country": "Brasil",
    "birth_date": "24/12/1987",
    "gender": "Feminino",
    "customer_id": "Cliente-77881",
}
HASHES = {
    "fn": sha256_hex("antônia"),
    "ln": sha256_hex("dávila xavier"),
    "ct": sha256_hex("sãojoãodelrei"),
    "st": sha256_hex("mg"),
    "zp": sha256_hex("36307334"),
    "country": sha256_hex("br"),
    "db": sha256_hex("19871224"),
    "ge": sha256_hex("f"),
    "external_id": sha256_hex("Cliente-77881"),
}
# Pieces of the values above that stand nowhere else.
TRACES = (
    "ntônia",
    "nt\\u00f4nia",
    "vila",
    "Xavier",
    "del-Rei",
    "Minas",
    "36307",
    "Brasil",
    "1987",
    "Feminino",
    "77881",
)


def stored(connection: Connection) -> dict[str, Any]:
    """The customer information of each conversion, by its event."""
    query = "SELECT gateway_event_id, customer_information FROM trackai.conversions"
    return dict(connection.execute(query).fetchall())


def everything_kept(connection: Connection) -> str:
    """All that loading has written about records, as text."""
    queries = (
        "SELECT string_agg(c::text, ' ') FROM trackai.conversions c",
        "SELECT string_agg(r::text, ' ') FROM trackai.ingest_rejects r",
        "SELECT string_agg(f::text, ' ') FROM trackai.ingest_files f",
    )
    return " ".join(str(row[0]) for query in queries for row in connection.execute(query))


def assert_no_trace(text: str) -> None:
    for trace in TRACES:
        assert trace not in text, trace


def write_csv(path: Path, *records: Mapping[str, Any], extra: str = "") -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(records[0]))
        writer.writeheader()
        writer.writerows(records)
        file.write(extra)


def test_every_format_gives_the_same_hashes(landing: Path, database_url: str, connection: Connection) -> None:
    write_jsonl(landing / "conversions.jsonl", sale_record(1, **BUYER))
    write_csv(landing / "conversions.csv", sale_record(2, **BUYER))
    typed = BUYER | {"birth_date": date(1987, 12, 24), "zip": 36307334}
    parquet.write_table(pa.Table.from_pylist([sale_record(3, **typed)]), landing / "conversions.parquet")
    load_all(database_url, landing)
    assert stored(connection) == {"evt_1": HASHES, "evt_2": HASHES, "evt_3": HASHES}
    assert_no_trace(everything_kept(connection))


def test_hashes_are_passed_on_and_nothing_stays_nothing(
    landing: Path, database_url: str, connection: Connection
) -> None:
    digest = sha256_hex("known to the producer alone")
    empty = dict.fromkeys(BUYER, "")
    write_jsonl(
        landing / "conversions.jsonl",
        sale_record(1),
        sale_record(2, **empty),
        sale_record(3, **dict.fromkeys(BUYER, None)),
        sale_record(4, **dict.fromkeys(BUYER, digest.upper())),
    )
    write_csv(landing / "conversions.csv", sale_record(5, **empty))
    load_all(database_url, landing)
    assert stored(connection) == {
        "evt_1": None,
        "evt_2": None,
        "evt_3": None,
        "evt_4": dict.fromkeys(HASHES, digest),
        "evt_5": None,
    }


def test_what_cannot_be_used_costs_no_sale(landing: Path, database_url: str, connection: Connection) -> None:
    unusable = {"first_name": ["Ana"], "city": {"name": "Recife"}, "zip": True, "birth_date": "2/30/1990"}
    write_jsonl(
        landing / "conversions.jsonl",
        sale_record(1, **unusable, country="Atlantis", gender=7, last_name="Lima"),
        sale_record(2, **unusable),
    )
    (report,) = load_all(database_url, landing)
    assert report.accepted == 2
    assert stored(connection) == {"evt_1": {"ln": sha256_hex("lima")}, "evt_2": None}


def test_the_tenants_country_reads_what_has_none(landing: Path, database_url: str, connection: Connection) -> None:
    values = {"state": "Amazonas", "birth_date": "2/3/1990"}
    write_jsonl(
        landing / "conversions.jsonl", sale_record(1, **values), sale_record(2, **values | {"tenant": "globex"})
    )
    load_all(database_url, landing)
    assert stored(connection) == {
        "evt_1": {"st": sha256_hex("am"), "db": sha256_hex("19900302")},
        "evt_2": {"st": sha256_hex("am")},
    }


def test_what_is_refused_is_kept_without_the_buyer(landing: Path, database_url: str, connection: Connection) -> None:
    refused = sale_record(1, **BUYER, currency="ZZZ")
    line = json.dumps(refused)
    write_jsonl(
        landing / "conversions.jsonl",
        refused,
        line[:-1].encode(),
        json.dumps(refused, ensure_ascii=False)[:-1].encode(),
        json.dumps(line)[:-1].encode(),
        b"\xff" + line.encode(),
    )
    cells = ",".join(BUYER.values())
    write_csv(landing / "conversions.csv", refused, extra=f'acme,x,{cells},1,2,3,4,5,6,7\nacme,"{cells}\n')
    (landing / "conversions-no-header.csv").write_text(f"acme,evt_9,{cells}\nacme,{cells}\n", encoding="utf-8")
    parquet.write_table(pa.Table.from_pylist([refused]), landing / "conversions.parquet")
    webhook = {"event": "PURCHASE_PROTEST", "id": "e1", "data": {"buyer": BUYER | {"name": BUYER["last_name"]}}}
    write_jsonl(landing / "acme" / "webhooks" / "hotmart" / "1.jsonl", webhook)
    reports = load_all(database_url, landing)
    assert {Path(report.source).name: report.rejected for report in reports} == {
        "conversions.jsonl": 5,
        "conversions.csv": 3,
        "conversions-no-header.csv": 1,
        "conversions.parquet": 1,
        "1.jsonl": 1,
    }
    kept = everything_kept(connection)
    assert_no_trace(kept)
    assert "evt_1" in kept, "what says which record it was stays readable"


def test_hashes_stay_readable_in_what_is_refused() -> None:
    record = dict.fromkeys(BUYER, HASHES["fn"])
    assert masked(record) == record


def test_names_in_broken_json_are_masked_whole() -> None:
    for line in (
        '{"first_name": "Ant\\u00f4nia \\"Toninha\\" Xavier", "value": 1',
        '{"body": "{\\"first_name\\": \\"Ant\\\\u00f4nia Xavier\\", \\"value\\": 1',
        "{'first_name': 'Antônia Xavier', 'value': 1",
    ):
        shown = str(masked_text(line))
        assert "value" in shown
        for trace in ("nt", "Xavier", "Toninha"):
            assert trace not in shown.replace("[name masked]", ""), shown


NAMES = {"first_name": "Ana Maria", "last_name": "da Silva"}
ADDRESS = {"city": "Recife", "state": "PE", "zip": "50000-000"}
GATEWAYS: dict[str, tuple[dict[str, Any], dict[str, str]]] = {
    "hotmart": (
        {
            "data.buyer.name": "Another Name",
            **{f"data.buyer.{name}": value for name, value in NAMES.items()},
            "data.buyer.address": {
                "city": "Recife",
                "state": "Pernambuco",
                "zipcode": "50000-000",
                "country": "Brasil",
            },
        },
        NAMES | ADDRESS | {"state": "Pernambuco", "country": "Brasil"},
    ),
    "kiwify": (
        {
            "Customer.first_name": "Ana",
            "Customer.full_name": "Ana Maria da Silva",
            **{f"Customer.{name}": ADDRESS[name] for name in ("city", "state")},
            "Customer.zipcode": "50000-000",
        },
        {"first_name": "Ana", "last_name": "Maria da Silva", **ADDRESS},
    ),
    "cakto": (
        {"data.customer.name": "Ana", "data.customer.birthDate": "1990-01-31"},
        {"first_name": "Ana", "birth_date": "1990-01-31"},
    ),
    "stripe": (
        {
            "data.object.customer_details.name": " Ana  da Silva ",
            "data.object.customer_details.address": {"city": "Recife", "state": "PE", "postal_code": "50000-000"},
        },
        {"first_name": "Ana", "last_name": "da Silva", **ADDRESS},
    ),
    "shopify": (
        {
            "customer": NAMES | {"default_address": {"city": "Olinda", "country_code": "PT"}},
            "billing_address": {"first_name": "Bea", "country_code": "BR", "province_code": "PE", **ADDRESS},
            "shipping_address": {"first_name": "Caio", "city": "Natal", "country_code": "BR"},
        },
        NAMES | ADDRESS | {"country": "BR"},
    ),
    "mercadopago": (
        {
            "payer.first_name": None,
            "additional_info.payer": NAMES | {"address": {"zip_code": "50000-000", "street_name": "Rua 1"}},
        },
        NAMES | {"zip": "50000-000"},
    ),
    "eduzz": (
        {"data.buyer.name": "Bea", "data.buyer.address": ADDRESS | {"zipCode": "50000-000", "country": "BR"}},
        {"first_name": "Bea", **ADDRESS, "country": "BR"},
    ),
    "monetizze": (
        {
            f"comprador.{name}": value
            for name, value in {
                "nome": "Bea Costa",
                "data_nascimento": None,
                "cidade": "Recife",
                "estado": "PE",
                "cep": "50000-000",
                "pais": "",
            }.items()
        },
        {"first_name": "Bea", "last_name": "Costa", **ADDRESS},
    ),
    "perfectpay": (
        {"customer": {"full_name": "Bea Costa", "city": "Recife", "state": "PE", "zip_code": "50000-000"}},
        {"first_name": "Bea", "last_name": "Costa", **ADDRESS},
    ),
    "kirvano": (
        {"customer": {"name": "Bea Costa", "address": {"city": None, "state": "PE"}}},
        {"first_name": "Bea", "last_name": "Costa", "state": "PE"},
    ),
    "braip": (
        {
            "client_name": "Bea Costa",
            "client_address_city": "",
            "client_address_state": "PE",
            "client_zip_code": 50000000,
        },
        {"first_name": "Bea", "last_name": "Costa", "state": "PE", "zip": "50000000", "country": "BR"},
    ),
    "ticto": (
        {"customer.name": "Bea Costa", "customer.address": ADDRESS | {"zip_code": "50000-000", "country": None}},
        {"first_name": "Bea", "last_name": "Costa", **ADDRESS},
    ),
    "guru": (
        {"contact": {"name": "Bea", "address_city": "Recife", "address_state": "PE", "address_zip_code": "50000-000"}},
        {"first_name": "Bea", **ADDRESS},
    ),
    "woocommerce": (
        {"billing": NAMES | {"city": "Recife", "state": "PE", "postcode": "50000-000", "country": "BR"}},
        NAMES | ADDRESS | {"country": "BR"},
    ),
    "paypal": (
        {
            "resource.payer": {
                "name": {"given_name": "Ana Maria", "surname": "da Silva"},
                "birth_date": "1990-01-31",
                "address": {"admin_area_2": "Recife", "admin_area_1": "PE", "postal_code": "50000-000"},
            }
        },
        NAMES | ADDRESS | {"birth_date": "1990-01-31"},
    ),
}


@pytest.mark.parametrize("gateway", READERS)
def test_gateways(gateway: str) -> None:
    payload = json.loads((Path(__file__).parent / "fixtures" / f"{gateway}.json").read_text(encoding="utf-8"))
    for path, value in GATEWAYS[gateway][0].items():
        *steps, last = path.split(".")
        inside = payload
        for step in steps:
            inside = inside[step]
        inside[last] = value
    (sale,) = READERS[gateway](payload)
    assert isinstance(sale, Sale)
    assert sale.buyer == GATEWAYS[gateway][1]


def test_a_shopify_buyer_without_a_billing_address() -> None:
    payload = json.loads((Path(__file__).parent / "fixtures" / "shopify.json").read_text(encoding="utf-8"))
    payload["customer"] = {"default_address": {"city": "Olinda", "country_code": "BR"}}
    (sale,) = READERS["shopify"](payload)
    assert isinstance(sale, Sale)
    assert sale.buyer == {"city": "Olinda", "country": "BR"}


def test_a_webhooks_buyer_is_stored_hashed(landing: Path, database_url: str, connection: Connection) -> None:
    payload = json.loads((Path(__file__).parent / "fixtures" / "kiwify.json").read_text(encoding="utf-8"))
    payload["Customer"] |= {
        "full_name": "Antônia Xavier",
        "city": BUYER["city"],
        "zipcode": BUYER["zip"],
        "state": "MG",
    }
    write_jsonl(landing / "acme" / "webhooks" / "kiwify" / "1.jsonl", payload)
    load_all(database_url, landing)
    expected = {name: HASHES[name] for name in ("fn", "ct", "st", "zp")} | {"ln": sha256_hex("xavier")}
    assert stored(connection) == {"K1:order_approved": expected}
    assert_no_trace(everything_kept(connection))
