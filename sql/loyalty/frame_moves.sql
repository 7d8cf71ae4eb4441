-- A tenant's events of some evaluated days. Index: tier_checkpoints_by_day.
SELECT c.checkpoint_date, c.user_id, c.status, c.tier_before, c.tier_after, c.period_start_date, c.period_end_date,
       c.sales_in_period, c.sales_required, c.units_in_period, c.units_required, c.climbed_in_period, c.ledger_upto
FROM trackai.tier_checkpoints c
WHERE c.tenant_id = %(tenant_id)s AND c.checkpoint_date BETWEEN %(from_day)s AND %(to_day)s
ORDER BY c.checkpoint_date, c.user_id
