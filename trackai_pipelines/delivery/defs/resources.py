"""Tenants' access tokens as a resource, so that a deployment can put its own secret store in place.

What belongs here: the default. What does not: stores (delivery/tokens). Any object with `token_of` will do instead:
`build_definitions(resources={"capi_tokens": ...})`.
"""

import dagster as dg

from trackai_pipelines.delivery.tokens import TokenStore, tokens_of_environment
from trackai_pipelines.settings import CapiSettings


@dg.resource(description="Access tokens: files in TRACKAI_CAPI_TOKEN_DIR, else variables TRACKAI_CAPI_TOKEN_<SLUG>.")
def capi_tokens() -> TokenStore:
    """Tokens as the process finds them when a run starts."""
    return tokens_of_environment(CapiSettings())
