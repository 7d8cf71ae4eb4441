-- Until the transaction ends, nobody else joins events of this tenant's gateway: two events of one sale that arrive at
-- once would not see each other's names. Index: none. Two gateways with one hash only wait for each other.
SELECT pg_advisory_xact_lock(%(lock)s, hashtext(%(tenant_id)s || ' ' || %(gateway)s))
