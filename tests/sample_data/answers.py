"""The generated files, read back by plain code, and the attributions that a brute-force matcher finds in them.

What belongs here: an independent reading of the sample. What does not: assertions.
"""

import csv
import gzip
import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

from pyarrow import parquet
from sample_data.payloads import DECISIVE, report_of

from trackai_pipelines.sample_data.gate_changes import GateChange
from trackai_pipelines.sample_data.ground_truth import GroundTruth, Planned
from trackai_pipelines.sample_data.world import TENANTS

END = datetime(2025, 6, 18, 15, 30, tzinfo=UTC)
CONVERSIONS = 4_000


@dataclass
class Sample:
    """The generated files, read back."""

    truth: GroundTruth
    folder: Path
    clicks: dict[str, dict[str, Any]] = field(default_factory=dict)
    late: set[str] = field(default_factory=set)
    identities: list[dict[str, Any]] = field(default_factory=list)
    # By tenant.
    users: dict[str, list[dict[str, Any]]] = field(default_factory=lambda: defaultdict(list))
    campaigns: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    # By sale: tenant, gateway, and the order or else the event.
    sales: dict[tuple[str, str, str], dict[str, Any]] = field(default_factory=dict)
    event_ids: dict[tuple[str, str, str], set[str]] = field(default_factory=lambda: defaultdict(set))
    deliveries: int = 0
    click_deliveries: int = 0
    bad: Counter[str] = field(default_factory=Counter)
    not_sales: int = 0
    # By sale: what went back each time, by the event.
    refunds: dict[tuple[str, str, str], dict[str, Decimal]] = field(default_factory=lambda: defaultdict(dict))


def rows_of(path: Path, sample: Sample) -> Iterator[dict[str, Any]]:
    """Rows of facts, or payloads of webhooks; lines that are no JSON objects and no whole forms are counted as bad."""
    if path.suffix == ".csv":
        with path.open(encoding="utf-8", newline="") as stream:
            yield from ({k: v or None for k, v in row.items()} for row in csv.DictReader(stream))
    elif path.suffix == ".parquet":
        yield from parquet.read_table(path).to_pylist()
    elif path.suffix == ".form":
        for body in path.read_text(encoding="ascii").splitlines():
            fields = dict(parse_qsl(body, keep_blank_values=True))
            if DECISIVE[path.parent.name] in fields:
                yield fields
            else:
                sample.bad["cut off"] += 1
    else:
        content = path.read_bytes()
        for line in (gzip.decompress(content) if path.suffix == ".gz" else content).splitlines():
            try:
                yield json.loads(line.decode())
            except UnicodeDecodeError:
                sample.bad["encoding"] += 1
            except json.JSONDecodeError:
                sample.bad["not json"] += 1


def time_of(value: Any) -> datetime | None:
    try:
        return value if isinstance(value, datetime) else datetime.fromisoformat(value)
    except ValueError:
        return None


def fault_of(row: dict[str, Any], slugs: set[str]) -> str | None:
    """Why a conversion cannot be accepted."""
    happened = time_of(row["occurred_at"])
    faults = {
        "unknown tenant": row["tenant"] not in slugs,
        "no event id": not row["gateway_event_id"],
        "value": not re.fullmatch(r"\d+(\.\d+)?", str(row["value"])),
        "currency": row["currency"] not in {"BRL", "USD", "EUR", "JPY", "GBP"},
        "no time of day": len(str(row["occurred_at"])) == len("2026-01-01"),
        "future": happened is None or happened.tzinfo is None or happened > END,
        "lost digits": "E+" in str(row["gateway_event_id"]),
    }
    return next((fault for fault, present in faults.items() if present), None)


def read_back(folder: Path, truth: GroundTruth) -> Sample:
    sample = Sample(truth, folder)
    slugs = {tenant.slug for tenant in TENANTS}

    def accept(row: dict[str, Any]) -> None:
        row |= {"value": Decimal(row["value"]), "occurred_at": time_of(row["occurred_at"])}
        sale = (row["tenant"], row["gateway"], row["order_id"])
        known = sample.sales.setdefault(sale, row)
        told = ("value", "occurred_at", "fbc", "fbp", "fbclid", "email")
        assert {k: known[k] for k in told} == {k: row[k] for k in told}, "a repeated delivery says something else"
        sample.event_ids[sale].add(row["gateway_event_id"])
        sample.deliveries += 1

    for path in sorted(folder.rglob("*")):
        if path.is_dir():
            continue
        if path.parent.parent.name == "webhooks":
            exported = path.suffix == ".json"
            for payload in json.loads(path.read_bytes()) if exported else rows_of(path, sample):
                tenant, gateway = path.parents[2].name, path.parent.name
                report = report_of(gateway, payload)
                if report.sale:
                    accept({"tenant": tenant, "gateway": gateway, **report.sale})
                for event, (order, value) in report.back.items():
                    sample.refunds[tenant, gateway, order][event] = value
                sample.not_sales += not report.sale and not report.back
        elif path.name.startswith("clicks"):
            for row in rows_of(path, sample):
                if time_of(row["created_at"]) is None:
                    sample.bad["time"] += 1
                    continue
                row["created_at"] = time_of(row["created_at"])
                known = sample.clicks.setdefault(row["external_id"], row)
                assert known == row
                sample.click_deliveries += 1
                if path.name.startswith("clicks_late"):
                    sample.late.add(row["external_id"])
        elif path.name.startswith("users"):
            for row in rows_of(path, sample):
                sample.users[path.parent.name].append(row)
        elif path.name.startswith("campaigns"):
            sample.campaigns[path.parent.name] |= {row["campaign_id"] for row in rows_of(path, sample)}
        elif path.name.startswith("refunds"):
            for row in rows_of(path, sample):
                sale = (path.parent.name, row["gateway"], row["order_id"])
                sample.refunds[sale][row["gateway_event_id"]] = Decimal(row["value"])
        elif path.name.startswith("identities"):
            sample.identities.extend(rows_of(path, sample))
        else:
            assert path.name.startswith("conversions"), f"{path} is no landing file"
            for row in rows_of(path, sample):
                fault = fault_of(row, slugs)
                if fault:
                    sample.bad[fault] += 1
                else:
                    accept(row)
    return sample


def cookie_part(value: str | None, last: str) -> list[str] | None:
    """The segments of a well-formed fbc or fbp, whose fourth one matches `last`."""
    match = re.fullmatch(rf"fb\.[0-9]+\.[0-9]+\.{last}(\.[^.]*)?", (value or "").strip())
    return match.string.split(".")[:4] if match else None


def click_key(row: dict[str, Any]) -> str | None:
    cookie = cookie_part(row["fbc"], r"[^.\s]{1,512}")
    if cookie:
        return cookie[3]
    fbclid = (row["fbclid"] or "").strip()
    return fbclid if re.fullmatch(r"[^.\s]{1,512}", fbclid) else None


def browser_key(row: dict[str, Any]) -> str | None:
    cookie = cookie_part(row["fbp"], r"[0-9]+")
    return ".".join(cookie) if cookie else None


def email_key(row: dict[str, Any]) -> str | None:
    return (row["email"] or "").strip().lower() or None


def brute_force(
    sample: Sample, *, without_late: bool = False, changes: Sequence[GateChange] = ()
) -> dict[tuple[str, str, str], tuple[str, str | None]]:
    """Strategy and click of every sale: each is compared with each click that has one of its keys."""
    candidates: dict[tuple[str, str, str], list[dict[str, Any]]] = defaultdict(list)
    for row in sample.clicks.values():
        if without_late and row["external_id"] in sample.late:
            continue
        candidates[row["tenant"], "fbc", click_key(row) or ""].append(row)
        candidates[row["tenant"], "fbp", browser_key(row) or ""].append(row)
    for identity in sample.identities:
        linked = sample.clicks[identity["click_external_id"]]
        assert linked["tenant"] == identity["tenant"]
        candidates[identity["tenant"], "email", email_key(identity) or ""].append(linked)
    answers: dict[tuple[str, str, str], tuple[str, str | None]] = {}
    tenants = {tenant.slug: tenant for tenant in TENANTS}
    for sale, row in sample.sales.items():
        tenant = tenants[row["tenant"]]
        if tenant.status not in ("provisioning", "active"):
            answers[sale] = ("pending", None)
            continue
        keys = {"fbc": click_key(row), "fbp": browser_key(row)}
        sold = time_of(row["occurred_at"])
        assert sold is not None
        changed = {c.gate: c.value for c in changes if c.tenant == tenant.slug and c.effective_from <= sold}
        if changed.get("email_matching", tenant.email_matching):
            keys["email"] = email_key(row)
        lookback = timedelta(days=changed.get("lookback_days", tenant.lookback_days))
        answers[sale] = ("unmatched", None)
        for strategy, key in keys.items():
            times = [(time_of(c["created_at"]), c["external_id"]) for c in candidates[tenant.slug, strategy, key or ""]]
            inside = [
                (at, click) for at, click in times if key and at and sold - lookback < at <= sold + timedelta(minutes=5)
            ]
            if inside:
                newest = max(inside)
                assert sum(at == newest[0] for at, _ in inside) == 1, "a tie that ids would have to decide"
                answers[sale] = (strategy, newest[1])
                break
    return answers


def planned_by_event(truth: GroundTruth) -> dict[tuple[str, str, str], Planned]:
    return {(p.tenant, p.gateway, event): p for p in truth.attributions() for event in p.event_ids}
