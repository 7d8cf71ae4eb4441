"""The readers on gateways' own samples, where a checkout of the shared data stands beside the repository.

Each test runs over the files that exist, so that none depends on the folder.
"""

import json
from collections import Counter
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

from trackai_pipelines.customer_information.contact import email_hash, phone_hash
from trackai_pipelines.customer_information.hashing import sha256_hex
from trackai_pipelines.facts.gateways import READERS
from trackai_pipelines.facts.sale import Sale
from trackai_pipelines.ingest.masking import masked, masked_text
from trackai_pipelines.ingest.outcomes import NotTaken

DATA = Path(__file__).parents[3] / "shared" / "data"

# Results by file: sales, and payloads that hold nothing to take.
EXPECTED = {
    "cakto/panel_tests.json": (2, 1),
    "hotmart/panel_tests.json": (2, 7),
    "kiwify/order_approved.json": (1, 0),
    "mercadopago/payment.json": (1, 0),
    "shopify/order.json": (0, 1),
    "stripe/resources.json": (0, 4),
}
# Sales by order: value, currency, time, the buyer's raw e-mail and phone.
SALES = {
    "HP16015479281022": (
        *(Decimal(1500), "BRL", datetime(2017, 11, 27, 11, 49, 6, tzinfo=UTC)),
        *("testecomprador271101postman15@example.com", None),
    ),
    "637e8812-5730-4c4d-9378-c2013c1e2ba5": (
        *(Decimal("52.98"), "BRL", datetime(2025, 4, 3, 5, 9, tzinfo=UTC)),
        *("johndoe@example.com", "5511999990000"),
    ),
    "1f1c81d2-088a-412d-8bb7-3d5269d64f58": (
        *(Decimal(5), "BRL", datetime(2025, 4, 8, 17, 43, 43, 575271, tzinfo=UTC)),
        *("buyer@example.com", "5511999990000"),
    ),
    "da74a88a-418a-4417-bf41-8a7c27ac008a": (
        *(Decimal(5), "BRL", datetime(2025, 4, 23, 18, 7, 38, 683315, tzinfo=UTC)),
        *("buyer@example.com", "5511999990000"),
    ),
    "1304123923": (
        *(Decimal(6000), "ARS", datetime(2022, 7, 31, 21, 4, 28, 717000, tzinfo=UTC)),
        *("buyer@example.com", None),
    ),
}


def payloads(path: Path) -> list[dict[str, object]]:
    """The payloads of a file: one, or an array."""
    read = json.loads(path.read_text(encoding="utf-8"), parse_float=Decimal)
    return read if isinstance(read, list) else [read]


def samples() -> dict[str, Path]:
    """The sample files that exist, by gateway and name."""
    found = (DATA / "webhooks").glob("*/*.json")
    return {path.relative_to(DATA / "webhooks").as_posix(): path for path in sorted(found)}


def test_every_sample_gives_its_sales_and_reasons() -> None:
    for name, path in samples().items():
        read = READERS[path.parent.name]
        kinds = Counter(type(result) for payload in payloads(path) for result in read(payload))
        if name in EXPECTED:
            assert (kinds[Sale], kinds[NotTaken]) == EXPECTED[name], name


def test_the_sales_are_read_exactly() -> None:
    for path in samples().values():
        for payload in payloads(path):
            for sale in READERS[path.parent.name](payload):
                if not isinstance(sale, Sale) or sale.order_id not in SALES:
                    continue
                *facts, email, phone = SALES[sale.order_id]
                assert [sale.value, sale.currency, sale.occurred_at] == facts
                assert email_hash(sale.email) == sha256_hex(str(email))
                assert phone_hash(sale.phone, None) == (sha256_hex(str(phone)) if phone else None)


def test_the_samples_are_masked() -> None:
    for path in samples().values():
        whole = path.read_text(encoding="utf-8")
        copies = [masked(payload) for payload in payloads(path)]
        copies += [masked_text(line[:600]) for line in whole.splitlines()]
        stored = json.dumps(copies)
        for personal in ("@example.com", "5511999990000", "99999999900", "555-625-1199", "00000000191"):
            assert personal not in stored, (path.name, personal)
        assert "test-secret" not in stored


def test_meta_examples_of_email_and_phone() -> None:
    for path in (DATA / "vectors").glob("meta_docs_hash_vectors.json"):
        for vector in json.loads(path.read_text(encoding="utf-8")):
            if vector["field"] == "em":
                assert email_hash(vector["input"]) == vector["sha256"]
            if vector["field"] == "ph":
                assert phone_hash(vector["input"], "US") == vector["sha256"]
