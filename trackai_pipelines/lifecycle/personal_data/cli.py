"""`trackai erase`: take one person out of a tenant's data.

What belongs here: which tenant and person are meant, showing what there is, asking. What does not: finding and erasing.
A given address or number is hashed at once, and neither shown nor kept.
"""

import sys
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer

from trackai_pipelines.terminal.failures import usage
from trackai_pipelines.terminal.output import fail, remark, results, table
from trackai_pipelines.terminal.workspace import ready_database, workspace

if TYPE_CHECKING:
    from psycopg import Connection

    from trackai_pipelines.lifecycle.personal_data.erase import Erasure

_KINDS = {
    "conversions": "sales: hashes, cookies, address, user agent and page go",
    "identities": "identities: hashes go",
    "clicks": "clicks in the database: cookies, address and user agent go",
    "archived_clicks": "clicks in archives: the same",
    "rejects": "refused records: their content goes",
    "dry_runs": "requests that dry runs wrote: the files go",
    "archives": "archives that are rewritten",
    "events": "events that waited for delivery: they are not sent any more",
}


@dataclass(frozen=True, slots=True)
class _Owner:
    """The tenant whose data the person is in. `default_country` completes phone numbers."""

    id: str
    slug: str
    default_country: str | None


def erase(
    tenant: Annotated[str, typer.Option(help="Slug or id.")],
    email: Annotated[str | None, typer.Option(help="The person's e-mail address, or its SHA-256.")] = None,
    phone: Annotated[
        str | None,
        typer.Option(help="The person's phone number, with country code unless the tenant's country is meant, or its "
                     "SHA-256."),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:  # fmt: skip
    """Erase a person from a tenant's data: sales, identities, clicks, refused records, archives and dry runs.

    Rows stay where something counts them, without what they say about the person. It cannot be undone. Shows what there
    is and asks first. When it is interrupted, repeat it with the same address. Landing files are the producer's: remove
    the person there too. Sales that were anonymised by age have no hash any more, and are not found.
    """
    from trackai_pipelines.database.pooler import connect_directly
    from trackai_pipelines.lifecycle.archive.store import open_store
    from trackai_pipelines.lifecycle.personal_data.erase import erase as erase_person
    from trackai_pipelines.lifecycle.personal_data.erase import find
    from trackai_pipelines.settings import Settings

    if not email and not phone:
        raise usage("no person was named: add --email or --phone, or both")
    settings = Settings()
    with connect_directly(ready_database(settings), name="trackai erase") as connection:
        meant = _owner(connection, tenant)
        person: dict[str, Any] = {**_hashes(meant, email, phone), "dry_runs": settings.home / "dry-runs"}
        store = open_store(settings.archive_url)
        if not yes:
            there = find(connection, store, workspace().domains, meant.id, **person)
            if there.nothing:
                _say_nothing(meant)
                return
            _show(there)
            _ask(meant)
        erased = erase_person(connection, store, workspace().domains, meant.id, **person)
    if erased.nothing:
        _say_nothing(meant)
        return
    _show(erased)
    remark(f"Erased from the data of {meant.slug}.", style="green")


def _owner(connection: "Connection", tenant: str) -> _Owner:
    from psycopg.rows import class_row

    from trackai_pipelines.database.statements import statement

    with connection.cursor(row_factory=class_row(_Owner)) as cursor:
        tenants = cursor.execute(statement("lifecycle/personal_data/tenants")).fetchall()
    meant = next((known for known in tenants if tenant in (known.slug, known.id)), None)
    if meant is None:
        slugs = ", ".join(known.slug for known in tenants[:20]) or "none; `trackai tenant add` adds one"
        fail(f"There is no tenant {tenant}. Tenants: {slugs}.")
    return meant


def _hashes(tenant: _Owner, email: str | None, phone: str | None) -> dict[str, str | None]:
    from trackai_pipelines.customer_information.contact import email_hash, phone_hash

    found = {
        "email_hash": email_hash(email) if email else None,
        "phone_hash": phone_hash(phone, tenant.default_country) if phone else None,
    }
    # The message may end up in a log, so it does not repeat what was given.
    if email and not found["email_hash"]:
        raise usage("what was given as --email is no e-mail address, and no SHA-256 of 64 hex digits")
    if phone and not found["phone_hash"]:
        raise usage(
            "what was given as --phone is no phone number that can be completed, and no SHA-256 of 64 hex digits: give "
            "it with its country code, e.g. +55 ..."
        )
    return found


def _ask(tenant: _Owner) -> None:
    if not sys.stdin.isatty():
        raise usage("there is no terminal to ask on whether to erase this: add --yes")
    if not typer.confirm(f"Erase this from the data of {tenant.slug}? It cannot be undone.", err=True):
        fail("Nothing was erased.")


def _show(erasure: "Erasure") -> None:
    counts = asdict(erasure)
    rows = [(counts[name], kind) for name, kind in _KINDS.items() if counts[name]]
    rows += [(count, f"{name}: what it says about the person goes") for name, count in erasure.tables.items()]
    results().print(table(("rows", "of what"), rows))


def _say_nothing(tenant: _Owner) -> None:
    remark(
        f"Nothing of this person was found in the data of {tenant.slug}. Sales that were anonymised by age carry no "
        "hash any more, and are not found by one."
    )
