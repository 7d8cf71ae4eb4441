"""What doctor finds of tenants: whether there are any, each with its pixel."""

from collections.abc import Iterator

from trackai_pipelines.domain import Checkup, Finding, Level
from trackai_pipelines.tenants.tenants import all_tenants


def health(checkup: Checkup) -> Iterator[Finding]:
    """Yield one finding."""
    active = [tenant for tenant in all_tenants(checkup.connection) if tenant.status in ("active", "provisioning")]
    without = [tenant.slug for tenant in active if not tenant.pixel_id]
    if not active:
        fix = "Add one with `trackai tenant add SLUG`."
        yield Finding("tenants", Level.WARN, "there is no active tenant: every row is refused", fix)
    elif without:
        said = f"{len(without)} of {len(active)} have no pixel: {', '.join(without[:5])}"
        fix = "Run `trackai tenant set SLUG --pixel-id ID`; nothing is delivered without it."
        yield Finding("tenants", Level.WARN, said, fix)
    else:
        yield Finding("tenants", Level.OK, f"{len(active)} active, each with a pixel")
