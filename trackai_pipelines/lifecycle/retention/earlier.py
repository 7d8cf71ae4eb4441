"""The gate anonymise_after_days: tenants whose personal fields go earlier than the policies say.

What belongs here: what the gate says now. What does not: the policies, and the smaller of both (`plan`).
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from trackai_pipelines.flag_values.client import Flags
from trackai_pipelines.flag_values.gates import GATES

FLAG = "anonymise_after_days"

# So many tenants are named.
_SHOWN = 5


@dataclass(frozen=True)
class Earlier:
    """Tenants whose personal fields go after so many days, because one version of the flag says so."""

    days: int
    version: int
    tenant_ids: tuple[str, ...]
    slugs: tuple[str, ...]

    @property
    def reason(self) -> str:
        """Return why their rows are due, with the version that says so."""
        more = f" and {len(self.slugs) - _SHOWN:,} more" if len(self.slugs) > _SHOWN else ""
        said = f"flag {FLAG}, version {self.version}"
        return f"older than {self.days} days at {', '.join(self.slugs[:_SHOWN])}{more} ({said})"


def earlier_tenants(flags: Flags | None) -> Sequence[Earlier]:
    """Return the tenants for which the gate says a number of days, by version; none where flags cannot be read now."""
    if flags is None or flags.snapshot is None or flags.stale:
        return []
    found = defaultdict(list)
    for tenant in sorted(set(flags.snapshot.tenants.values()), key=lambda tenant: tenant.slug):
        answer = flags.evaluate(FLAG, 0, tenant=tenant.slug)
        # Beyond the range no policy is longer.
        if 0 < answer.value <= GATES[FLAG].most:
            found[answer.value, answer.override_version or answer.flag_version].append(tenant)
    return [
        Earlier(days, version, tuple(one.id for one in tenants), tuple(one.slug for one in tenants))
        for (days, version), tenants in sorted(found.items())
    ]
