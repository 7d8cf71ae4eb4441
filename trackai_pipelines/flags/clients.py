"""Clients: keys with which apps ask for values over HTTP.

What belongs here: making, listing and revoking keys. What does not: which request a key opens (keyring.py, web.py).

A key is `tf_<slug>_<43 characters>`: 256 random bits, so that nobody guesses one and a plain SHA-256 of it can be kept.
"""

import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from hashlib import sha256
from typing import Any, Literal

from psycopg import Connection
from psycopg.rows import class_row

from trackai_pipelines.database.statements import statement
from trackai_pipelines.errors import ExpectedError

AppType = Literal["web", "mobile", "admin"]

# What browsers send as Origin: a scheme, a host and perhaps a port; of apps in a web view, e.g. capacitor://localhost.
_ORIGIN = re.compile(r"[a-z][a-z0-9+.-]*://[a-z0-9.-]+(:[0-9]{1,5})?|[a-z][a-z0-9+.-]*://\[[0-9a-f:]+\](:[0-9]{1,5})?")


class NotAnOriginError(ExpectedError):
    """A text is no origin that a browser would send; no client was added."""


@dataclass(frozen=True, slots=True)
class FlagClient:
    """A client without its key, which nobody has but its owner."""

    tenant_id: str
    slug: str
    id: int
    name: str
    app_type: AppType
    key_sha256: str
    allowed_origins: Sequence[str]
    per_second: int | None
    created_at: datetime
    revoked_at: datetime | None
    last_used_on: date | None

    @property
    def sees_all(self) -> bool:
        """Whether flags that are not visible to clients are answered, too; keys in pages and apps are no secret."""
        return self.app_type == "admin"


def key_hash(key: str) -> str:
    """Return what is kept of a key."""
    return sha256(key.encode("utf-8", "surrogatepass")).hexdigest()


def add_client(
    connection: Connection[Any],
    *,
    tenant_id: str,
    slug: str,
    name: str,
    app_type: AppType,
    allowed_origins: Sequence[str] = (),
    per_second: int | None = None,
    now: datetime,
) -> tuple[int, str]:
    """Add a client and return its number and its key, which cannot be had again.

    Raises NotAnOriginError.
    """
    for origin in allowed_origins:
        if not _ORIGIN.fullmatch(origin):
            raise NotAnOriginError(
                f"{origin!r} is not an origin: give scheme, host and perhaps port in lower case, without a path, "
                "e.g. https://shop.example."
            )
    key = f"tf_{slug}_{secrets.token_urlsafe(32)}"
    given = {
        "tenant_id": tenant_id,
        "name": name,
        "app_type": app_type,
        "key_sha256": key_hash(key),
        "allowed_origins": list(allowed_origins),
        "per_second": per_second,
        "created_at": now,
    }
    row = connection.execute(statement("flags/add_client"), given).fetchone()
    assert row is not None
    return row[0], key


def all_clients(connection: Connection[Any], tenant_id: str | None = None) -> list[FlagClient]:
    """Return the clients of a tenant, or of all, revoked ones included."""
    with connection.cursor(row_factory=class_row(FlagClient)) as cursor:
        return cursor.execute(statement("flags/clients"), {"tenant_id": tenant_id}).fetchall()


def revoke_client(connection: Connection[Any], tenant_id: str, client_id: int, now: datetime) -> bool:
    """Revoke a client's key; return False where there is no such client. One that is revoked already stays so."""
    given = {"tenant_id": tenant_id, "id": client_id, "now": now}
    return connection.execute(statement("flags/revoke_client"), given).rowcount == 1


def note_used(connection: Connection[Any], used: Mapping[tuple[str, int], date]) -> None:
    """Note the UTC days on which clients, by tenant and number, were last used."""
    given = {
        "tenant_id": [tenant_id for tenant_id, _ in used],
        "id": [number for _, number in used],
        "day": list(used.values()),
    }
    connection.execute(statement("flags/note_used_clients"), given)
