"""The facts: clicks, identities and conversions, the gateways whose webhooks report sales, users and campaigns."""
