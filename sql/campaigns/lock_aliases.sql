-- Until the transaction ends, nobody else loads aliases of the tenants of staged aliases (locks.CAMPAIGN_ALIASES): two that
-- arrive at once would not see each other, and one could point at the other. Index: none. Locks are taken in one order.
SELECT pg_advisory_xact_lock(7221008, t.number)
FROM (
    SELECT DISTINCT hashtext(s.tenant_id) AS number FROM pg_temp.staged_campaign_aliases s ORDER BY number
) t
