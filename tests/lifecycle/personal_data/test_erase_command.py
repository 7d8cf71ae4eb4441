"""erase: who is meant, what is asked first, what is said, and that an address never shows."""

import os
import subprocess
import sys
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import pytest
from processes import CHECKOUT
from psycopg import Connection
from typer.testing import CliRunner, Result

from trackai_pipelines.cli import app
from trackai_pipelines.database.connection import connect
from trackai_pipelines.lifecycle.mover import only_mover

Run = Callable[..., Result]
EMAIL, PHONE = "Ann.Smith@Example.com ", "(11) 98765-4321"
EMAIL_HASH = sha256(b"ann.smith@example.com").hexdigest()
PHONE_HASH = sha256(b"5511987654321").hexdigest()


@pytest.fixture
def run_erase(trackai: Run) -> Run:
    """`run_erase("--tenant", "shop", ...)` against this test's database."""

    def invoke(*arguments: str) -> Result:
        result = CliRunner().invoke(app, ["erase", *arguments])
        said = result.stdout + result.stderr
        assert "ann.smith" not in said.lower()
        assert "98765" not in said
        assert EMAIL_HASH not in said
        return result

    return invoke


@pytest.fixture
def shop(connection: Connection, add_tenant: Callable[..., str], add_sale: Callable[..., None]) -> str:
    """A tenant with two sales of a person and one of somebody else."""
    tenant_id = add_tenant("shop", default_country="BR")
    add_sale(tenant_id, "by-email", customer_email_hash=EMAIL_HASH)
    add_sale(tenant_id, "by-phone", customer_phone_hash=PHONE_HASH)
    add_sale(tenant_id, "others", customer_email_hash="a" * 64)
    return tenant_id


def _erased(connection: Connection) -> set[str]:
    rows = connection.execute(
        "SELECT gateway_event_id FROM trackai.conversions"
        " WHERE customer_email_hash IS NULL AND customer_phone_hash IS NULL"
    )
    return {event for (event,) in rows}


@pytest.mark.parametrize(
    ("named", "gone"),
    [
        (["--email", EMAIL], {"by-email"}),
        (["--phone", PHONE], {"by-phone"}),
        (["--phone", "+55 11 98765-4321"], {"by-phone"}),
        (["--email", EMAIL_HASH.upper()], {"by-email"}),
        (["--email", EMAIL, "--phone", PHONE], {"by-email", "by-phone"}),
    ],
)
@pytest.mark.parametrize("tenant", ["shop", "t-shop"])
def test_a_person_is_erased(
    run_erase: Run, shop: str, connection: Connection, tenant: str, named: list[str], gone: set[str]
) -> None:
    result = run_erase("--tenant", tenant, *named, "--yes")
    assert result.exit_code == 0
    assert _erased(connection) == gone
    assert [line.split()[:2] for line in result.stdout.splitlines() if "sales" in line] == [[str(len(gone)), "sales:"]]
    assert "Erased from the data of shop." in result.stderr
    assert connection.execute("SELECT changed -> 'conversions' FROM trackai.erasures").fetchall() == [(len(gone),)]


def test_who_is_not_there_is_told_so(run_erase: Run, shop: str, connection: Connection) -> None:
    for options in ([], ["--yes"]):
        result = run_erase("--tenant", "shop", "--email", "bob@example.com", *options)
        assert result.exit_code == 0
        assert "Nothing of this person was found in the data of shop." in result.stderr
        assert result.stdout == ""
    assert connection.execute("SELECT count(*) FROM trackai.erasures").fetchone() == (0,)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--tenant", "shop"], "--email or --phone"),
        (["--email", EMAIL], "--tenant"),
        (["--tenant", "shop", "--email", "ann.smith"], "no e-mail address"),
        (["--tenant", "shop", "--email", EMAIL, "--phone", "98765"], "country code"),
        (["--tenant", "shop", "--email", EMAIL], "add --yes"),
    ],
)
def test_bad_usage_erases_nothing(
    run_erase: Run, shop: str, connection: Connection, arguments: list[str], said: str
) -> None:
    result = run_erase(*arguments)
    assert result.exit_code == 2
    assert said in " ".join(result.stderr.replace("│", " ").split())
    assert _erased(connection) == set()


def test_a_phone_without_a_country_needs_its_code(run_erase: Run, shop: str, connection: Connection) -> None:
    connection.execute("UPDATE trackai.tenants SET default_country = NULL")
    assert run_erase("--tenant", "shop", "--phone", PHONE, "--yes").exit_code == 2
    assert run_erase("--tenant", "shop", "--phone", f"+55{PHONE}", "--yes").exit_code == 0
    assert _erased(connection) == {"by-phone"}


def test_what_is_in_the_way_is_told(
    run_erase: Run, shop: str, connection: Connection, database_url: str, home: Path
) -> None:
    result = run_erase("--tenant", "nobody", "--email", EMAIL, "--yes")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "There is no tenant nobody. Tenants: shop." in result.stderr
    with connect(database_url, name="trackai retention") as other, only_mover(other):
        result = run_erase("--tenant", "shop", "--email", EMAIL, "--yes")
    assert result.exit_code == 1
    assert "trackai retention" in result.stderr
    connection.execute(
        "INSERT INTO trackai.archives (table_name, day, part, state, path, rows, bytes, sha256, checksum, first_row_at,"
        " last_row_at, verified_at, keep_until, dropped_at) VALUES ('clicks', '2025-01-01', 1, 'dropped',"
        " 'clicks/2025/clicks_20250101.1.parquet', 1, 1, %s, '0', now(), now(), now(), now(), now())",
        ("0" * 64,),
    )
    result = run_erase("--tenant", "shop", "--email", EMAIL, "--yes")
    assert result.exit_code == 1
    assert "clicks_20250101.1.parquet" in result.stderr
    assert "Nothing was erased" in result.stderr
    assert _erased(connection) == set()


def test_dry_runs_of_the_person_are_removed(run_erase: Run, shop: str, home: Path) -> None:
    folder = home / "dry-runs" / "2026-01-01T00-00-00-000000Z"
    for slug, digest in (("shop", EMAIL_HASH), ("shop-two", EMAIL_HASH)):
        (folder / slug).mkdir(parents=True)
        (folder / slug / "0001.json").write_text(digest)
    (folder / "shop" / "0002.json").write_text("a" * 64)
    assert run_erase("--tenant", "shop", "--email", EMAIL, "--yes").exit_code == 0
    left = sorted(str(path.relative_to(folder)) for path in folder.glob("*/*"))
    assert left == ["shop-two/0001.json", "shop/0002.json"]


@pytest.mark.processes
@pytest.mark.parametrize(("answer", "code", "gone"), [("y", 0, {"by-email"}), ("n", 1, set()), ("", 1, set())])
def test_a_terminal_is_asked(
    trackai: Run, shop: str, connection: Connection, answer: str, code: int, gone: set[str]
) -> None:
    ours, theirs = os.openpty()
    asked = subprocess.Popen(
        [sys.executable, "-c", "from lifecycle.personal_data.test_erase_command import app; app()",
         "erase", "--tenant", "shop", "--email", EMAIL],
        stdin=theirs, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env={**os.environ, "PYTHONPATH": f"{CHECKOUT}:{CHECKOUT / 'tests'}"},
    )  # fmt: skip
    try:
        os.write(ours, f"{answer}\n".encode())
        out, err = asked.communicate(timeout=60)
    finally:
        asked.kill()
        os.close(theirs)
        os.close(ours)
    assert asked.returncode == code, err
    assert "Erase this from the data of shop? It cannot be undone." in err
    assert "1 sales" in " ".join(out.split())
    assert ("Nothing was erased." in err) == (not gone)
    assert _erased(connection) == gone
