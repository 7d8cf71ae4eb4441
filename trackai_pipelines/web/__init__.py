"""The web application: health, version, metrics, and the routes that domains declare.

What belongs here: what every request goes through, whichever route answers it. What does not: any route of a domain,
and any figure. Domains declare both.
"""
