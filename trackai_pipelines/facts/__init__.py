"""The facts: clicks, identities and conversions, and the gateways whose webhooks report sales."""
