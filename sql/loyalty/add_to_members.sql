-- Adds the staged entries of a tenant to the caches of its members: sums of all entries, of adjustments, and of the open
-- window before the evaluated day. Money is in the currency of the program's newest rules.
-- Index: loyalty_members' primary key. No indexed column changes, so rows stay on their page where it has room.
UPDATE trackai.loyalty_members m
SET total_sales = m.total_sales + s.amount,
    total_units = m.total_units + s.units,
    manual_adjustments_total = m.manual_adjustments_total + s.adjusted,
    manual_adjustments_units = m.manual_adjustments_units + s.adjusted_units,
    checkpoint_sales_current = m.checkpoint_sales_current + s.window_amount,
    checkpoint_units_current = m.checkpoint_units_current + s.window_units,
    checkpoint_progress_updated_at = %(now)s,
    updated_at = %(now)s
FROM (
    SELECT d.user_id,
           coalesce(sum(d.amount) FILTER (WHERE d.currency = p.currency), 0) AS amount,
           sum(d.units) AS units,
           coalesce(sum(d.amount) FILTER (WHERE d.currency = p.currency AND d.source = 'adjustment'), 0) AS adjusted,
           coalesce(sum(d.units) FILTER (WHERE d.source = 'adjustment'), 0) AS adjusted_units,
           coalesce(sum(d.amount) FILTER (WHERE d.currency = p.currency AND d.sale_day >= w.window_start AND d.sale_day < w.evaluated_day), 0) AS window_amount,
           coalesce(sum(d.units) FILTER (WHERE d.sale_day >= w.window_start AND d.sale_day < w.evaluated_day), 0) AS window_units
    FROM pg_temp.ledger_differences d
    JOIN trackai.loyalty_members w ON w.tenant_id = %(tenant_id)s AND w.user_id = d.user_id
    CROSS JOIN (
        SELECT currency FROM trackai.loyalty_programs WHERE tenant_id = %(tenant_id)s ORDER BY valid_from DESC LIMIT 1
    ) p
    GROUP BY d.user_id
) s
WHERE m.tenant_id = %(tenant_id)s AND m.user_id = s.user_id
