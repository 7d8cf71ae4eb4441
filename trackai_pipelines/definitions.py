"""The code location: every room's Dagster definitions, put together.

What belongs here: the assembly, and the resources it runs with. What does not: any asset, job or sensor itself.
"""

from collections.abc import Mapping
from typing import Any

import dagster as dg

from trackai_pipelines.database.defs.metadata import described_columns
from trackai_pipelines.database.defs.resources import EventDatabase
from trackai_pipelines.domain import Domain
from trackai_pipelines.domains import DOMAINS
from trackai_pipelines.process_space import PROCESS_SPACE, process_space
from trackai_pipelines.settings import Settings


def build_definitions(*, resources: Mapping[str, Any] | None = None) -> dg.Definitions:
    """Return all definitions; `resources` replaces those of the same name, e.g. by a test's `database`.

    `domains`, the declarations that mechanisms are handed, is one of them: another tuple plugs a domain in. A
    deployment puts its own secret store in as `capi_tokens`: any object like delivery.tokens.TokenStore.
    """
    given = {"database": EventDatabase(), "domains": DOMAINS, **(resources or {})}
    domains: tuple[Domain, ...] = given["domains"]
    parts = [domain.definitions() for domain in domains if domain.definitions]
    parts += [domain.definitions_for(domains) for domain in domains if domain.definitions_for]
    together = dg.Definitions.merge(*parts)
    # Any, because Dagster types them as what they might be; ours are all of the decorators.
    assets: Any = together.assets or ()
    return dg.Definitions(
        assets=dg.map_asset_specs(_described, assets),
        asset_checks=together.asset_checks,
        jobs=together.jobs,
        sensors=together.sensors,
        schedules=together.schedules,
        resources={**(together.resources or {}), **given},
        # The database does the work. A process for each step, Dagster's default, would add seconds to every asset and
        # every check of a run for no gain.
        executor=dg.in_process_executor,
        # The launcher tags runs with it.
        metadata={PROCESS_SPACE: process_space()},
    )


def _described(spec: dg.AssetSpec) -> dg.AssetSpec:
    """Return the asset with its columns, and with a link to the page of its domain, which its group is named after."""
    page = f"{spec.group_name}.md"
    link = f"[docs/{page}]({Settings().docs_url}/{page}) says more."
    return spec.replace_attributes(
        description=f"{spec.description}\n\n{link}", metadata={**described_columns(spec), **spec.metadata}
    )


defs = build_definitions()
