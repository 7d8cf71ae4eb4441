"""The CAPI sandbox: a local server that speaks Meta's Conversions API, enforces its rules and misbehaves when told to.

What belongs here: the rules as Meta documents them, what was received, and how to run and steer the server. What does
not: anything of `delivery`. The sandbox judges our client, so it must not share the client's mistakes.
"""

# Accepted events that are remembered one by one, some 500 bytes each, unless told otherwise.
KEPT_EVENTS = 200_000
