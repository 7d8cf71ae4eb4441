"""A kind that a domain declares is found, read, checked and written, and ingest knows nothing of it."""

import json
from collections.abc import Callable, Iterator, Mapping
from datetime import date
from pathlib import Path

import dagster as dg
import msgspec
import pytest
from ingest.landing_zone import write_jsonl
from psycopg import Connection

from trackai_pipelines.database.defs.resources import EventDatabase
from trackai_pipelines.definitions import build_definitions
from trackai_pipelines.domain import Domain
from trackai_pipelines.domains import DOMAINS
from trackai_pipelines.facts.landing import KINDS
from trackai_pipelines.ingest import fields
from trackai_pipelines.ingest.context import Context, Text
from trackai_pipelines.ingest.kinds import Kind
from trackai_pipelines.ingest.load import FileReport, load_paths
from trackai_pipelines.ingest.outcomes import NotTaken, Refused
from trackai_pipelines.ingest.writing import Counts

FIXTURES = Path(__file__).parents[1] / "facts" / "fixtures"


class Toy(msgspec.Struct):
    """A record of the toy kind."""

    tenant: Text = None
    tenant_id: Text = None
    name: Text = None
    pieces: Text = None


def _row(toy: Toy, context: Context) -> tuple[Text, ...]:
    name = fields.identifier_of(toy.name, "name")
    if not name:
        raise Refused("name is missing")
    return context.owner_of(toy.tenant, toy.tenant_id).id, name, toy.pieces or ""


def _toys_of(payload: Mapping[str, object]) -> Iterator[Toy | NotTaken]:
    if payload.get("event") == "toy":
        yield NotTaken(reason="no toy")
        return
    for name in str(payload.get("toys", "")).split():
        yield Toy(name=name)


TOYS = Kind(
    name="toys",
    says="Toys.",
    record=Toy,
    columns=("tenant_id", "name", "pieces"),
    row=_row,
    webhooks={"kiwify": _toys_of, "toyshop": _toys_of},
)


class Gadget(Toy, forbid_unknown_fields=True):
    """A toy, as a shop's program writes it."""

    made: date | None = None


def _gadget_row(gadget: Gadget, context: Context) -> tuple[Text, ...]:
    owner, name, pieces = _row(gadget, context)
    return owner, f"{name} of {context.word or 'nobody'}, {gadget.made}", pieces


GADGETS = Kind(
    name="gadgets",
    into="toys",
    says="Toys of a shop.",
    record=Gadget,
    columns=TOYS.columns,
    row=_gadget_row,
    spellings={"product.title": "name", "product.made.on": "made", "count": "pieces"},
)
ALL_KINDS = (*KINDS, TOYS, GADGETS)


@pytest.fixture(autouse=True)
def _table(connection: Connection) -> None:
    connection.execute(
        "CREATE TABLE trackai.toys (tenant_id text, name text, pieces integer, PRIMARY KEY (tenant_id, name))"
    )


def _load(url: str, landing: Path) -> dict[str, FileReport]:
    reports = load_paths(url, [landing], landing_dir=landing, kinds=ALL_KINDS)
    return {report.source: report for report in reports}


def test_its_files_are_loaded(database_url: str, connection: Connection, landing: Path) -> None:
    write_jsonl(
        landing / "acme" / "toys.jsonl",
        {"name": "robot", "pieces": 7},
        {"name": "robot", "pieces": 9},
        {"name": "ball", "colour": "red"},
        {"pieces": 1},
        {"name": "cube", "pieces": "many"},
    )
    (landing / "toys.csv").write_text("tenant,name,pieces,colour\nglobex,kite,3,blue\n")
    reports = _load(database_url, landing)
    assert [(report.kind, report.accepted, report.rejected) for report in reports.values()] == [
        ("toys", 2, 2),
        ("toys", 1, 0),
    ]
    assert reports["toys.csv"].note == "1 of 4 columns are not known and left out: colour"
    assert connection.execute("SELECT * FROM trackai.toys ORDER BY 1, 2").fetchall() == [
        ("t-acme", "ball", None),
        ("t-acme", "robot", 7),
        ("t-globex", "kite", 3),
    ]
    reasons = connection.execute("SELECT line, reason FROM trackai.ingest_rejects ORDER BY line").fetchall()
    assert reasons[0] == (4, "name is missing")
    assert reasons[1][1].startswith("the database refused the row: invalid input syntax for type integer")


def test_fields_may_have_other_names_and_a_table_too(database_url: str, connection: Connection, landing: Path) -> None:
    write_jsonl(
        landing / "acme" / "gadgets_shop_2026.jsonl",
        {"name": "a", "made": "2026-05-01", "pieces": 1},
        {"Product": {"title": "b", "made": {"on": "2026-05-02"}}, "COUNT": 2, "colour": "red"},
        {"name": "c", "product.title": "x", "product": {"title": "y"}, "made": "2026-05-03T10:00:00"},
        {"product": {"title": ""}, "name": "d", "made": None},
        {"product": {"title": "e", "made": {"on": "soon"}}},
    )
    (landing / "acme" / "gadgets.csv").write_text("product.title;count;product.made.on\nf;6;30/05/2026\n")
    reports = _load(database_url, landing)
    assert [(report.accepted, report.rejected) for report in reports.values()] == [(1, 0), (4, 1)]
    assert connection.execute("SELECT name, pieces FROM trackai.toys ORDER BY 1").fetchall() == [
        ("a of shop, 2026-05-01", 1),
        ("b of shop, 2026-05-02", 2),
        ("c of shop, 2026-05-03", None),
        ("d of shop, None", None),
        ("f of nobody, 2026-05-30", 6),
    ]
    row = connection.execute("SELECT reason FROM trackai.ingest_rejects").fetchone()
    assert row is not None
    assert row[0].startswith("made 'soon' is not a time")


def test_a_payload_may_hold_rows_of_several_kinds(database_url: str, connection: Connection, landing: Path) -> None:
    paid = json.loads((FIXTURES / "kiwify.json").read_text(encoding="utf-8"))
    refused = {**paid, "order_status": "refused"}
    write_jsonl(
        landing / "acme" / "webhooks" / "kiwify" / "all.jsonl",
        {**paid, "toys": "car train"},
        {**refused, "toys": "bus"},
        {**refused, "event": "toy"},
        b"[]",
    )
    write_jsonl(landing / "acme" / "webhooks" / "toyshop" / "all.jsonl", {"toys": "doll"}, {"event": "toy"})
    reports = _load(database_url, landing)
    # A payload that holds nothing for one kind is no reject where another kind takes it.
    assert reports["acme/webhooks/kiwify/all.jsonl"].by_kind == {"conversions": Counts(1, 0, 1), "toys": Counts(3)}
    assert reports["acme/webhooks/toyshop/all.jsonl"].by_kind == {"toys": Counts(1, 0, 1)}
    names = connection.execute("SELECT name FROM trackai.toys ORDER BY 1").fetchall()
    assert [name for (name,) in names] == ["bus", "car", "doll", "train"]
    (first, second) = connection.execute("SELECT reason FROM trackai.ingest_rejects ORDER BY id").fetchall()
    assert first[0].startswith("not paid: kiwify order_status refused")
    assert first[0].endswith("; no toy")
    assert second == ("no toy",)


def test_a_load_materialises_what_came_and_nothing_else(
    connection: Connection, home: Path, database_url: str, add_tenant: Callable[..., str]
) -> None:
    add_tenant("acme")
    landing = home / "landing"
    toys = Domain(name="toys", says="Toys.", kinds=lambda: (TOYS,))
    location = build_definitions(resources={"database": EventDatabase(url=database_url), "domains": (*DOMAINS, toys)})
    job = location.resolve_job_def("ingest_landing_files")

    def materialised() -> dict[str, object]:
        with dg.DagsterInstance.ephemeral() as instance:
            done = job.execute_in_process(instance=instance)
            assert done.success
            return {
                event.asset_key.to_user_string(): event.materialization.metadata["accepted"].value
                for event in done.get_asset_materialization_events()
                if event.asset_key
            }

    assert materialised() == {}
    write_jsonl(landing / "acme" / "toys.jsonl", {"name": "robot", "pieces": 2})
    write_jsonl(landing / "acme" / "clicks.jsonl", {"fbclid": "x"}, {"fbclid": "y"})
    assert materialised() == {"toys": 1, "clicks": 2}
    paid = json.loads((FIXTURES / "kiwify.json").read_text(encoding="utf-8"))
    write_jsonl(landing / "acme" / "webhooks" / "kiwify" / "one.jsonl", paid)
    assert materialised() == {"conversions": 1}
    write_jsonl(landing / "acme" / "clicks.jsonl", {"fbclid": "x"}, {"fbclid": "y"}, {"fbclid": "z"})
    assert materialised() == {"clicks": 1}
