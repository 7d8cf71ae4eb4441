"""How fast conversions go from JSON Lines into the database, in how much memory, beside a bare COPY as the floor.

    python benchmarks/ingest.py --rows 300000

Uses TRACKAI_DATABASE_URL, else the embedded server; makes a database of its own there and drops it afterwards.
"""

import argparse
import json
import random
import resource
import sys
import tempfile
import time
import uuid
from pathlib import Path

from psycopg import sql
from psycopg.conninfo import make_conninfo

from trackai_pipelines.database.connection import connect
from trackai_pipelines.database.migrate import migrate
from trackai_pipelines.database.server import event_database_url
from trackai_pipelines.ingest.load import load_paths
from trackai_pipelines.ingest.rows import STAGED
from trackai_pipelines.settings import Settings

_TENANTS = 5
_FIRST_SALE = 1_760_000_000
_AGENT = "Mozilla/5.0 (Linux; Android 14; SM-S918B) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/129.0 Mobile"


def write_conversions(path: Path, rows: int, seed: int) -> None:
    """A seeded file of conversions as an app writes them, each with a raw e-mail address."""
    chance = random.Random(seed)  # noqa: S311 - a seeded file, no secret
    with path.open("w", encoding="utf-8") as file:
        for number in range(rows):
            occurred = time.gmtime(_FIRST_SALE + number // 10)
            record = {
                "tenant": f"tenant-{chance.randrange(_TENANTS)}",
                "gateway": chance.choice(("hotmart", "stripe", "shopify")),
                "gateway_event_id": f"evt_{chance.getrandbits(96):024x}",
                "order_id": f"HP{number:010d}",
                "value": round(chance.uniform(9, 999), 2),
                "currency": chance.choice(("BRL", "USD", "EUR")),
                "occurred_at": time.strftime("%Y-%m-%dT%H:%M:%SZ", occurred),
                "fbc": f"fb.1.17{chance.randrange(10**11):011d}.IwAR{chance.getrandbits(160):040x}",
                "fbp": f"fb.1.17{chance.randrange(10**11):011d}.{chance.randrange(10**9)}",
                "email": f"buyer{chance.randrange(10**7)}@example.com",
                "client_ip": f"{chance.randrange(1, 224)}.{chance.randrange(256)}.{chance.randrange(256)}.7",
                "client_user_agent": _AGENT,
                "event_source_url": f"https://shop.example/checkout/{chance.randrange(10**6)}",
            }
            file.write(json.dumps(record) + "\n")


def bare_copy_seconds(url: str) -> float:
    """Seconds to COPY the loaded rows into a table with the same columns, and no index, check or trigger."""
    columns = sql.SQL(", ").join(map(sql.Identifier, STAGED["conversions"]))
    with connect(url) as connection:
        out = sql.SQL("COPY (SELECT {} FROM trackai.conversions) TO STDOUT").format(columns)
        with connection.cursor().copy(out) as rows:
            text = b"".join(bytes(part) for part in rows)
        connection.execute(
            sql.SQL("CREATE TABLE floor AS SELECT {} FROM trackai.conversions WITH NO DATA").format(columns)
        )
        begun = time.perf_counter()
        with connection.cursor() as cursor, cursor.copy("COPY floor FROM STDIN") as target:
            target.write(text)
        return time.perf_counter() - begun


def peak_megabytes() -> float:
    """The largest resident memory of this process so far."""
    # Kilobytes on Linux, bytes on macOS.
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1 << 20 if sys.platform == "darwin" else 1 << 10)


def main() -> None:
    """Prints rows/s, peak memory and the ratio to the floor."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--rows", type=int, default=300_000)
    options.add_argument("--seed", type=int, default=1)
    chosen = options.parse_args()
    server = event_database_url(Settings())
    name = f"ingest_benchmark_{uuid.uuid4().hex[:8]}"
    with connect(server) as admin, tempfile.TemporaryDirectory() as folder:
        admin.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        try:
            _measure(make_conninfo(server, dbname=name), Path(folder), chosen.rows, chosen.seed)
        finally:
            admin.execute(sql.SQL("DROP DATABASE {}").format(sql.Identifier(name)))


def _measure(url: str, folder: Path, rows: int, seed: int) -> None:
    migrate(url)
    with connect(url) as connection:
        connection.execute(
            "INSERT INTO trackai.tenants (id, slug, name, default_country) "
            "SELECT 'id-' || n, 'tenant-' || n, 'Tenant', 'BR' FROM generate_series(0, %(last)s) AS n",
            {"last": _TENANTS - 1},
        )
    path = folder / "conversions.jsonl"
    write_conversions(path, rows, seed)
    before = peak_megabytes()
    begun = time.perf_counter()
    report = load_paths(url, [path], landing_dir=folder)[0]
    seconds = time.perf_counter() - begun
    peak = peak_megabytes()
    again = load_paths(url, [path], landing_dir=folder)[0]
    floor = bare_copy_seconds(url)
    figures = {
        "rows": report.accepted,
        "rejected": report.rejected,
        "seconds": round(seconds, 2),
        "rows_per_second": round(report.accepted / seconds),
        "reload_rows_per_second": round(again.duplicates / again.seconds),
        "peak_mb": round(peak),
        "peak_before_load_mb": round(before),
        "bare_copy_rows_per_second": round(report.accepted / floor),
        "times_the_floor": round(seconds / floor, 1),
    }
    sys.stdout.write(json.dumps(figures, indent=2) + "\n")


if __name__ == "__main__":
    main()
