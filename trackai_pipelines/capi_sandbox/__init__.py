"""The CAPI sandbox: a local server that speaks Meta's Conversions API, enforces its rules and misbehaves on request.

What belongs here: the rules as Meta documents them, what was received, and how to run and control the server. What does
not: anything of `delivery`. The sandbox judges our client, so it must not share the client's mistakes.
"""

# The default number of accepted events that are remembered one by one, some 500 bytes each.
KEPT_EVENTS = 200_000
