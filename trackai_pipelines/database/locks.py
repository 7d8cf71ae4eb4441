"""The register of PostgreSQL advisory locks: every number, what it guards, and in which database.

What belongs here: the numbers. What does not: taking the locks. A lock that is held while another one is taken stands
above it here; so two processes can never wait for each other.
"""

MIGRATION = 7_221_000
"""One migration at a time (event database)."""

MOVER = 7_221_010
"""Taking days of rows out of the event database, or bringing them back: one session at a time."""

PARTITIONS = 7_221_001
"""One change of a table's partitions at a time (event database)."""

AGGREGATE_DAY = 7_221_002
"""With a day as the second key: one aggregation of a UTC day at a time (event database)."""

FLAG_DAY = 7_221_011
"""With a day as the second key: one computation of a UTC day's checks of flags at a time (event database)."""

FLAG_MEMBERS = 7_221_012
"""One computation of the members of segments at a time (event database)."""

LEASES = 7_221_003
"""Promising and taking the leases of residents (event database)."""

BATCHES = 7_221_004
"""Every micro-batch of matching shares it: a session that holds it exclusively knows that none is under way."""

CAMPAIGN_DAYS = 7_221_007
"""With a tenant's id as the second key: one computation of its campaigns' days at a time, because weeks and buyers span
days (event database)."""

EXPERIMENTS = 7_221_013
"""With a tenant's id as the second key: one computation of its A/B tests at a time (event database)."""

LOYALTY = 7_221_014
"""With a tenant's id as the second key: one posting or evaluation of its loyalty program at a time, because an
evaluation knows all postings up to one (event database)."""

CREDIT_DAY = 7_221_015
"""With a day as the second key: one computation of the credit of a UTC day's sales at a time (event database)."""

CAMPAIGN_ALIASES = 7_221_008
"""With a tenant's id as the second key: one load of its aliases at a time, because none may point at another (event
database; `sql/campaigns/lock_aliases.sql`)."""

SALE_NAMES = 7_221_006
"""With a tenant's gateway as the second key: one joining of its events into sales at a time (event database)."""

REFUND_LINKS = 7_221_005
"""Linking refunds with sales: loads of sales share it until they commit, and a load of refunds holds it alone. The
later of two loads at the same moment sees the rows of the other (event database; `sql/facts/lock_links_of_*.sql`)."""

FLAGS = 7_221_009
"""Changes of feature flags, and of the columns of tenants that are gates, one at a time until they commit: versions
appear in the order of their numbers (event database; `trackai.lock_flags`)."""

DAGSTER_HISTORY = 7_221_020
"""One pruning of Dagster's own storage at a time (Dagster's database)."""
