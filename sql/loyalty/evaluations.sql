-- The evaluated days of a tenant up to one, each with what it knew. Index: the primary key.
SELECT v.day, v.ledger_upto FROM trackai.tier_evaluations v
WHERE v.tenant_id = %(tenant_id)s AND v.day <= %(to_day)s
ORDER BY v.day
