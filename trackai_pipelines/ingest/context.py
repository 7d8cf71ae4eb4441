"""Whose row it is: what a row says of its tenant, what its folder says, and that they agree.

What belongs here: finding a row's tenant, and what the rows of a file have in common. What does not: the rest of a
row (`rows`), and reading the tenants from the database (`load`).
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Literal

from trackai_pipelines.ingest import fields
from trackai_pipelines.ingest.outcomes import LeftOut, Refused

# Text as a producer may write it: identifiers are often numbers.
Text = str | int | None


@dataclass(frozen=True, slots=True)
class Owner:
    """What a row needs to know of its tenant. `default_country` is ISO 3166 alpha-2."""

    id: str
    slug: str
    default_country: str | None
    take_test_payments: bool = False


@dataclass(frozen=True, slots=True)
class Context:
    """What the rows of one file have in common: all tenants, the file's folder, the latest time they may name."""

    owners: Mapping[str, Owner]
    folder: str
    latest: datetime
    stated_at: datetime = datetime(1970, 1, 1, tzinfo=UTC)
    """When the file was written: its rows say what was true then."""
    source: str = ""
    """The file, as `ingest_files` names it."""
    in_root: bool = False
    """Whether the file lies in the landing folder itself, which is no tenant's."""
    word: str = ""
    """The word that follows the kind's name in the file's, e.g. `meta`; of a file of a sync, the sync."""
    day: date | None = None
    """The day that the file is of, where its rows and its name say none."""
    known: dict[tuple[str, ...], str] = field(default_factory=dict)
    """What rows look up (`kinds.Kind.known`), by its keys. Rows may add to it for those behind them."""
    left_out: list[LeftOut] = field(default_factory=list)
    """Values that the row being read goes without; whoever reads the rows takes them away after each."""
    noted: Counter[tuple[str, str]] = field(default_factory=Counter)
    """Columns, each with what became of a value that did not stay as it came, and how often."""
    repeated: set[str] = field(default_factory=set)
    """Kinds of which a row was here already, so that others are likely to be."""
    # Tenants by what rows have named so far; holds known tenants alone, so it stays small.
    _named: dict[tuple[Text, Text], Owner] = field(default_factory=dict)

    def owner_of(self, tenant: Text, tenant_id: Text) -> Owner:
        """Return the tenant that a row names (slug or id), else that of the folder. Raises Refused."""
        known = self._named.get((tenant, tenant_id))
        return known if known is not None else self._look_up(tenant, tenant_id)

    def leave_out(self, column: str, reason: str) -> Literal[""]:
        """Note that the row goes without an optional value, and return what stands for none.

        `reason` is a fixed text without any value: the load reports how many values were left out for each.
        """
        self.left_out.append(LeftOut(column, reason))
        return ""

    def optional_time(self, moment: datetime | None, column: str) -> str:
        """Return a time that the row can do without, as text."""
        try:
            return fields.optional_time(moment, column, self.latest)
        except Refused:
            return self.leave_out(column, "not a time of this system")

    def optional_id(self, value: Text, column: str) -> str:
        """Return an identifier that the row can do without."""
        try:
            return fields.identifier_of(value, column)
        except Refused:
            return self.leave_out(column, "too long, or without all its digits")

    def note(self, column: str, became: str) -> None:
        """Note what became of a value that is kept otherwise than it came, in a fixed text without the value."""
        self.noted[column, became] += 1

    def taken_left_out(self) -> tuple[LeftOut, ...]:
        """Return what the last row goes without, and forget it."""
        taken = tuple(self.left_out)
        self.left_out.clear()
        return taken

    def _look_up(self, tenant: Text, tenant_id: Text) -> Owner:
        owner = self.owners.get(self.folder)
        for value, name in ((tenant, "tenant"), (tenant_id, "tenant_id")):
            text = fields.text_of(value, name).strip()
            if not text:
                continue
            named = self.owners.get(text)
            if named is None:
                raise Refused(f"{name} {fields.shown(text)} is not known; expected the slug or id of a tenant")
            if owner is not None and named != owner:
                raise Refused(f"{name} {text!r} contradicts the tenant {owner.slug!r} named before it")
            owner = named
        if owner is None:
            raise Refused(
                f"no tenant: neither tenant nor tenant_id is given, and the folder {fields.shown(self.folder)} is none"
            )
        self._named[tenant, tenant_id] = owner
        return owner


def owners_by_name(owners: list[Owner]) -> dict[str, Owner]:
    """Return tenants by id and by slug; where one's id is another's slug, the slug wins."""
    return {owner.id: owner for owner in owners} | {owner.slug: owner for owner in owners}
