"""The base that every domain stands on: the server, connections, migrations and named SQL statements.

What belongs here: how to reach PostgreSQL and bring its schema up to date. What does not: any statement of a domain,
which is a file in `sql/<domain>/` that the domain's package runs.
"""
