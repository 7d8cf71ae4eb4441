-- The entries that a conversion has in the ledger, with the window that its sale counted in: the one that was closed, or the
-- one that is open. Indexes: the ledger's unique key, by source and reference; tier_checkpoints by creator.
SELECT l.user_id, l.sale_day, sum(l.amount) AS amount, sum(l.units) AS units, l.currency, max(l.posting_no) AS posting_no,
       w.checkpoint_date, w.status, w.tier_after, m.current_tier, m.window_start
FROM trackai.conversions c
JOIN trackai.sales_ledger l
    ON l.tenant_id = c.tenant_id AND l.source = 'conversion' AND l.source_ref = c.gateway || ':' || c.gateway_event_id
LEFT JOIN trackai.loyalty_members m ON m.tenant_id = l.tenant_id AND m.user_id = l.user_id
LEFT JOIN LATERAL (
    SELECT v.checkpoint_date, v.status, v.tier_after
    FROM trackai.tier_checkpoints v
    WHERE v.tenant_id = l.tenant_id AND v.user_id = l.user_id AND v.period_start_date <= l.sale_day
      AND v.period_end_date > l.sale_day
    LIMIT 1
) AS w ON true
WHERE c.tenant_id = %(tenant_id)s AND c.id = %(conversion_id)s
GROUP BY l.user_id, l.sale_day, l.currency, w.checkpoint_date, w.status, w.tier_after, m.current_tier, m.window_start
ORDER BY l.user_id
