-- The events of a creator up to a day, the newest first, with the number of entries behind each sum.
-- Indexes: the primary key, and sales_ledger_by_day for the entries.
SELECT c.checkpoint_date, c.status, c.tier_before, c.tier_after, c.period_start_date, c.period_end_date,
       c.sales_in_period, c.sales_required, c.units_in_period, c.units_required, c.climbed_in_period, c.ledger_upto,
       (
           SELECT count(*) FROM trackai.sales_ledger l
           WHERE l.tenant_id = c.tenant_id AND l.user_id = c.user_id AND l.sale_day >= c.period_start_date
             AND l.sale_day < c.checkpoint_date AND l.posting_no <= c.ledger_upto
       ) AS entries
FROM trackai.tier_checkpoints c
WHERE c.tenant_id = %(tenant_id)s AND c.user_id = %(user_id)s AND c.checkpoint_date <= %(day)s
ORDER BY c.checkpoint_date DESC
