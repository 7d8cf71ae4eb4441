"""A person's traces in a tenant's data, as months of work leave them, and what is left of them after an erasure."""

import json
import re
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
from declared import CLICKS, INGEST_REJECTS, MATCH_LOG
from psycopg import Connection, sql

from trackai_pipelines.database.binaries import system_binaries, wheel_binaries
from trackai_pipelines.database.partitions import attach_partition, create_detached
from trackai_pipelines.domains import DOMAINS
from trackai_pipelines.lifecycle.archive.drop import drop_day
from trackai_pipelines.lifecycle.archive.export import archive_day
from trackai_pipelines.lifecycle.archive.manifest import archives
from trackai_pipelines.lifecycle.archive.store import open_store
from trackai_pipelines.lifecycle.personal_data.erase import Erasure, erase
from trackai_pipelines.matching.drain import drain

AddTenant = Callable[..., str]
NOW = datetime.now(UTC).replace(microsecond=0)
LONG_AGO = (NOW - timedelta(days=420)).date()
AT_LONG_AGO = datetime(LONG_AGO.year, LONG_AGO.month, LONG_AGO.day, 9, tzinfo=UTC)
YESTERDAY = NOW - timedelta(days=1)


def hash_of(text: str) -> str:
    return sha256(text.encode()).hexdigest()


@dataclass
class Person:
    """Somebody, and the rows that are theirs."""

    name: str
    number: int
    secrets: set[str] = field(default_factory=set)
    rows: dict[str, set[int]] = field(
        default_factory=lambda: {"clicks": set(), "conversions": set(), "identities": set()}
    )

    def __post_init__(self) -> None:
        self.email, self.phone = f"{self.name}@example.com", f"55119{self.number:08}"
        self.email_hash, self.phone_hash = hash_of(self.email), hash_of(self.phone)
        self.stand_in = f"[e-mail {self.email_hash[:12]}]"
        self.secrets.update((self.email, self.phone, self.email_hash, self.phone_hash, self.stand_in))

    def key(self, kind: str) -> str:
        """A value of theirs, the same for the same kind."""
        value = {
            "clid": f"IwAR{self.name}{kind}x{self.number}",
            "fbp": f"fb.1.1700000000000.{self.number}{digits_of(kind)}",
            "ip": f"2001:db8:{self.number:x}:{digits_of(kind)}::7" if kind.endswith("6") else
                  f"10.{self.number % 250}.{int(digits_of(kind)) % 250}.7",
            "ua": f"Mozilla/5.0 ({self.name} {kind}) Gecko/20100101 Firefox/124.0",
        }[kind.split("-")[0]]  # fmt: skip
        self.secrets.add(value)
        return value


def digits_of(kind: str) -> str:
    return str(1_000 + int(hash_of(kind)[:8], 16) % 9_000)


def insert(connection: Connection, table: str, row: dict[str, Any]) -> int:
    query = sql.SQL("INSERT INTO {} ({}) VALUES ({}) RETURNING id").format(
        sql.Identifier("trackai", table),
        sql.SQL(", ").join(map(sql.Identifier, row)),
        sql.SQL(", ").join(map(sql.Placeholder, row)),
    )
    found = connection.execute(query, row).fetchone()
    assert found is not None
    return int(found[0])


class World:
    """Tenants' data as months of work leave it: in the database, in archives, on the queue, among what was refused."""

    def __init__(self, connection: Connection, url: str, folder: Path) -> None:
        self.connection, self.url, self.folder = connection, url, folder
        self.store = open_store(str(folder / "archive"))
        self.dry_runs = folder / "dry-runs"
        for day in (LONG_AGO, LONG_AGO + timedelta(days=1)):
            create_detached(connection, "match_log", day)
            attach_partition(connection, "match_log", day)

    def click(self, tenant: str, person: Person, at: datetime, *, fbp: str, clid: str, **more: Any) -> int:
        row = {
            "tenant_id": tenant, "fbclid": person.key(f"clid-{clid}"), "fbp": person.key(f"fbp-{fbp}"),
            "fbc": f"fb.1.1700000000000.{person.key(f'clid-{clid}')}", "ip": person.key(f"ip-{clid}"),
            "user_agent": person.key(f"ua-{clid}"), "utm_source": "newsletter", "created_at": at, **more,
        }  # fmt: skip
        click = insert(self.connection, "clicks", row)
        person.rows["clicks"].add(click)
        return click

    def sale(self, tenant: str, person: Person, event: str, at: datetime, **columns: Any) -> int:
        row = {
            "tenant_id": tenant, "gateway": "stripe", "gateway_event_id": f"{person.name}-{event}",
            "order_id": f"order-{person.number}-{event}", "value": "49.90", "currency": "BRL", "occurred_at": at,
            "created_at": at, "customer_email_hash": person.email_hash, "customer_phone_hash": person.phone_hash,
            "customer_information": json.dumps({"fn": hash_of(person.name)}),
            "client_ip": person.key(f"ip-sale-{event}"), "client_user_agent": person.key(f"ua-sale-{event}"),
            "event_source_url": f"https://shop.example/thanks?u={person.stand_in}", **columns,
        }  # fmt: skip
        sale = insert(self.connection, "conversions", row)
        person.secrets.add(hash_of(person.name))
        person.rows["conversions"].add(sale)
        return sale

    def identity(self, tenant: str, person: Person, **columns: Any) -> int:
        row = {"tenant_id": tenant, "email_hash": person.email_hash, "phone_hash": person.phone_hash, **columns}
        identity = insert(self.connection, "identities", row)
        person.rows["identities"].add(identity)
        return identity

    def reject(self, tenant: str | None, payload: object, reason: str, at: datetime = NOW) -> int:
        number = self.connection.execute("SELECT count(*) FROM trackai.ingest_rejects").fetchone()
        assert number is not None
        return insert(self.connection, "ingest_rejects", {
            "tenant_id": tenant, "source": "file.jsonl", "line": number[0] + 1, "payload": json.dumps(payload),
            "reason": reason, "digest": "d" * 64, "created_at": at,
        })  # fmt: skip

    def life_of(self, tenant: str, person: Person) -> None:
        """What somebody leaves behind: long ago, and lately."""
        old = AT_LONG_AGO
        # Matched long ago; all that is left is in archives. The second click shares the browser, the third the sale's.
        self.click(tenant, person, old, fbp="old", clid="old")
        self.click(tenant, person, old + timedelta(days=1), fbp="old", clid="old-too")
        self.sale(tenant, person, "old", old + timedelta(hours=1), fbc=f"fb.1.1700000000000.{person.key('clid-old')}",
                  customer_phone_hash=None)  # fmt: skip
        # Named by the producer's id only, and by a number of the database that is forgotten when the click leaves it.
        self.click(tenant, person, old, fbp="named", clid="named", external_id=f"click-{person.number}")
        self.identity(tenant, person, click_external_id=f"click-{person.number}")
        # Lately.
        clicked = self.click(tenant, person, YESTERDAY, fbp="new", clid="new")
        self.click(tenant, person, YESTERDAY, fbp="new", clid="new-too", utm_content=f"to {person.stand_in}")
        self.click(tenant, person, YESTERDAY, fbp="new-phone6", clid="new-phone6")
        self.identity(tenant, person, click_id=clicked, phone_hash=None)
        self.sale(tenant, person, "new", YESTERDAY + timedelta(hours=2), fbp=person.key("fbp-new"))
        # By phone alone: found because the phone stands beside the e-mail on another sale.
        self.sale(tenant, person, "phone", YESTERDAY + timedelta(hours=3), fbp=f" {person.key('fbp-new-phone6')}.AQ",
                  customer_email_hash=None)  # fmt: skip
        self.sale(tenant, person, "unmatched", YESTERDAY + timedelta(hours=4), fbc="fb.1.1700000000000.nobodysclick",
                  fbp="fb.1.1700000000000.99")  # fmt: skip

    def refused_of(self, tenant: str, person: Person) -> set[int]:
        """What was refused and tells of somebody."""
        return {
            self.reject(tenant, {"customer_email_hash": person.email_hash.upper(), "value": -1}, "value is negative"),
            self.reject(None, {"email": "[e-mail masked]", "client_ip": person.key("ip-new")}, "no tenant"),
            self.reject(tenant, {"nested": json.dumps({"fbp": person.key("fbp-old")})}, f"bad id {person.stand_in!r}"),
            self.reject(tenant, f"{person.key('clid-new')};x;2001:0DB8:{person.number:04x}:"
                        f"{int(digits_of('new-phone6')):04}:0000:0000:0000:0007", "4 columns"),
        }  # fmt: skip

    def settle(self, *, log: bool = True) -> None:
        """Match, and let what is old leave: the log (unless it is to stay), the clicks, and what was refused."""
        drain(self.connection, run_id="old", clock=lambda: AT_LONG_AGO + timedelta(hours=5))
        for day in (LONG_AGO, LONG_AGO + timedelta(days=1)):
            for table in (MATCH_LOG, CLICKS, INGEST_REJECTS) if log else (CLICKS, INGEST_REJECTS):
                self.archive(table.name, day, drop=True)

    def archive(self, table: str, day: date, *, drop: bool) -> None:
        found = {"match_log": MATCH_LOG, "clicks": CLICKS, "ingest_rejects": INGEST_REJECTS}[table]
        made = archive_day(self.connection, self.url, self.store, found, day, grace=timedelta(0))
        if made is not None and drop:
            drop_day(self.connection, self.store, found, made, clock=lambda: datetime.now(UTC) + timedelta(seconds=1))

    def dry_run(self, slug: str, person: Person) -> Path:
        folder = self.dry_runs / "2026-01-01T00-00-00-000000Z" / slug
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{1 + len([*folder.iterdir()]):04}.json"
        path.write_text(json.dumps({"body": {"data": [{"user_data": {"em": [person.email_hash]}}]}}))
        return path

    def erase(self, tenant: str, person: Person, **named: Any) -> Erasure:
        named = named or {"email_hash": person.email_hash}
        return erase(self.connection, self.store, DOMAINS, tenant, dry_runs=self.dry_runs, **named)

    def tables(self) -> dict[str, list[dict[str, Any]]]:
        """Every row of every table, partitions within their parents."""
        names = self.connection.execute(
            "SELECT relname FROM pg_class WHERE relnamespace = 'trackai'::regnamespace AND relkind IN ('r', 'p')"
            " AND NOT relispartition ORDER BY relname"
        ).fetchall()
        rows = sql.SQL("SELECT to_jsonb(t) FROM {} t")
        return {
            name: sorted(
                (row for (row,) in self.connection.execute(rows.format(sql.Identifier("trackai", name)))),
                key=json.dumps,
            )
            for (name,) in names
        }

    def archived(self) -> dict[str, list[dict[str, Any]]]:
        """Every row of every file below the archive, whether the manifest knows it or not, by table."""
        found: dict[str, list[dict[str, Any]]] = {}
        for path in sorted((self.folder / "archive").rglob("*.*")):
            rows = pq.read_table(path).to_pylist()
            found.setdefault(path.relative_to(self.folder / "archive").parts[0], []).extend(rows)
        return found


def populated(world: World, add_tenant: AddTenant) -> tuple[str, Person, list[Person]]:
    """A tenant with a person and others; a second tenant with the same person."""
    acme = add_tenant("acme", email_matching=True, pixel_id="1001", lookback_days=90)
    other = add_tenant("other", email_matching=True, pixel_id="1002")
    ann, others = Person("ann", 1), [Person(f"bob{number}", number) for number in range(11, 15)]
    elsewhere = Person("ann", 1)
    for person in (ann, *others):
        world.life_of(acme, person)
    world.life_of(other, elsewhere)
    for person in others:
        world.refused_of(acme, person)
    world.reject(acme, {"customer_email_hash": others[0].email_hash}, "long ago", AT_LONG_AGO)
    world.reject(acme, {"customer_email_hash": ann.email_hash}, f"long ago, {ann.stand_in}", AT_LONG_AGO)
    world.settle()
    return acme, ann, [*others, elsewhere]


def leaks(text: str, person: Person) -> set[str]:
    """What a text tells of somebody, in whatever case."""
    words = {secret: rf"(?<![0-9a-z]){re.escape(secret)}(?![0-9a-z])" for secret in person.secrets}
    return {secret for secret, word in words.items() if re.search(word, text, re.IGNORECASE)}


def dump_of(url: str) -> str:
    """The whole database as pg_dump writes it."""
    programs = {found.major: found.folder / "pg_dump" for found in [*wheel_binaries(), *system_binaries()]}
    newest = max(major for major, program in programs.items() if program.exists())
    said = subprocess.run([programs[newest], url], capture_output=True, text=True, check=True)
    return said.stdout


def of_others(rows: list[dict[str, Any]], table: str, tenant: str, person: Person) -> list[dict[str, Any]]:
    """The rows of a table that are not this person's at this tenant."""
    key = {"clicks": "id", "conversions": "id", "identities": "id", "matched_attributions": "conversion_id",
           "dispatch_queue": "conversion_id", "dispatch_attempts": "conversion_id"}.get(table)  # fmt: skip
    owned = person.rows["conversions"] if key == "conversion_id" else person.rows.get(table, set())
    return [row for row in rows if key is None or row["tenant_id"] != tenant or row[key] not in owned]


def traces(world: World, tenant: str, person: Person) -> set[str]:
    """What the database and the archives tell of somebody at a tenant."""
    dumped = "\n".join(line for line in dump_of(world.url).splitlines() if "t-other" not in line)
    archived = [row for rows in world.archived().values() for row in rows if row["tenant_id"] in (tenant, None)]
    return leaks(dumped + json.dumps(archived, default=str), person)


def assert_erased(world: World, tenant: str, person: Person) -> None:
    assert traces(world, tenant, person) == set()
    named = {world.store.full(archive.path) for archive in archives(world.connection)}
    assert {str(path) for path in (world.folder / "archive").rglob("*.*")} == named, "no stray file"
