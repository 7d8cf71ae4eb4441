-- Makes the caches of a tenant's members from its ledger; returns how many members had other sums.
-- Index: loyalty_members' primary key; the ledger is read once.
WITH sums AS MATERIALIZED (
    SELECT m.user_id,
           coalesce(sum(l.amount) FILTER (WHERE l.currency = p.currency), 0) AS amount,
           coalesce(sum(l.units), 0) AS units,
           coalesce(sum(l.amount) FILTER (WHERE l.currency = p.currency AND l.source = 'adjustment'), 0) AS adjusted,
           coalesce(sum(l.units) FILTER (WHERE l.source = 'adjustment'), 0) AS adjusted_units,
           coalesce(sum(l.amount) FILTER (WHERE l.currency = p.currency AND l.sale_day >= m.window_start AND l.sale_day < m.evaluated_day), 0) AS window_amount,
           coalesce(sum(l.units) FILTER (WHERE l.sale_day >= m.window_start AND l.sale_day < m.evaluated_day), 0) AS window_units
    FROM trackai.loyalty_members m
    LEFT JOIN trackai.sales_ledger l ON l.tenant_id = m.tenant_id AND l.user_id = m.user_id
    CROSS JOIN (
        SELECT currency FROM trackai.loyalty_programs WHERE tenant_id = %(tenant_id)s ORDER BY valid_from DESC LIMIT 1
    ) p
    WHERE m.tenant_id = %(tenant_id)s
    GROUP BY m.user_id
), changed AS (
    UPDATE trackai.loyalty_members m
    SET total_sales = s.amount,
        total_units = s.units,
        manual_adjustments_total = s.adjusted,
        manual_adjustments_units = s.adjusted_units,
        checkpoint_sales_current = s.window_amount,
        checkpoint_units_current = s.window_units,
        checkpoint_progress_updated_at = %(now)s,
        updated_at = %(now)s
    FROM sums s
    WHERE m.tenant_id = %(tenant_id)s AND m.user_id = s.user_id
      AND (m.total_sales, m.total_units, m.manual_adjustments_total, m.manual_adjustments_units,
           m.checkpoint_sales_current, m.checkpoint_units_current)
          IS DISTINCT FROM (s.amount, s.units, s.adjusted, s.adjusted_units, s.window_amount, s.window_units)
    RETURNING 1
)
SELECT count(*) FROM changed
