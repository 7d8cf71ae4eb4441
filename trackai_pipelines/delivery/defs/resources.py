"""Tenants' access tokens as a resource, which a deployment can replace by its own secret store.

What belongs here: the default. What does not: stores (delivery/tokens). Any object with `token_of` can replace it:
`build_definitions(resources={"capi_tokens": ...})`.
"""

import dagster as dg

from trackai_pipelines.delivery.tokens import TokenStore, tokens_of_environment
from trackai_pipelines.settings import CapiSettings


@dg.resource(description="Access tokens: files in TRACKAI_CAPI_TOKEN_DIR, else variables TRACKAI_CAPI_TOKEN_<SLUG>.")
def capi_tokens() -> TokenStore:
    """Return the tokens that the process finds when a run starts."""
    return tokens_of_environment(CapiSettings())
