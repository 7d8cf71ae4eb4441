-- The rules of a tenant's program, by the day from which they hold. Index: the primary key.
SELECT p.valid_from, p.vip_metric, p.currency, p.time_zone, p.checkpoint_months, p.grace_days, p.demote_to, p.corrections,
       p.settle_days, p.status
FROM trackai.loyalty_programs p
WHERE p.tenant_id = %(tenant_id)s
ORDER BY p.valid_from
