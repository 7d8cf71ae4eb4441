-- Boosts whose history is no chain of legal transitions that ends in their status, whose redemption has another status, or
-- whose payout does not come out again from the postings that it was computed from. History that has left by its age
-- (%(kept_from)s) is not missed. Index: the keys of the history, boosts and redemptions; sales_ledger_by_day.
WITH step AS (
    SELECT h.tenant_id, h.boost_redemption_id, h.from_status, h.to_status, h.effective_on,
           lag(h.to_status) OVER chain AS before, lag(h.effective_on) OVER chain AS effective_before,
           lead(h.to_status) OVER chain IS NULL AS is_last
    FROM trackai.commission_boost_state_history h
    WINDOW chain AS (PARTITION BY h.tenant_id, h.boost_redemption_id ORDER BY h.transitioned_at, h.id)
),
chain AS MATERIALIZED (
    SELECT s.tenant_id, s.boost_redemption_id,
           bool_and(
               (s.before IS NULL OR s.before = s.from_status)
               AND coalesce(s.effective_on >= s.effective_before, true)
               AND (coalesce(s.from_status, ''), s.to_status) IN (
                   ('', 'scheduled'), ('scheduled', 'active'), ('scheduled', 'cancelled'), ('active', 'expired'),
                   ('expired', 'pending_info'), ('expired', 'pending_payout'), ('pending_info', 'pending_payout'),
                   ('pending_payout', 'paid')
               )
           ) AS is_legal,
           max(s.to_status) FILTER (WHERE s.is_last) AS ends_in,
           bool_or(s.from_status IS NULL) AS has_its_start
    FROM step s
    GROUP BY s.tenant_id, s.boost_redemption_id
)
SELECT t.slug AS tenant, b.id AS boost_id, f.fault
FROM trackai.commission_boost_redemptions b
JOIN trackai.tenants t ON t.id = b.tenant_id
JOIN trackai.redemptions d ON d.tenant_id = b.tenant_id AND d.id = b.redemption_id
LEFT JOIN chain c ON c.tenant_id = b.tenant_id AND c.boost_redemption_id = b.id
LEFT JOIN LATERAL trackai.boost_sales(
    b.tenant_id, b.user_id, b.currency, b.scheduled_activation_date, b.scheduled_activation_date + b.duration_days,
    b.ledger_upto
) s ON b.sales_at_expiration IS NOT NULL
CROSS JOIN LATERAL (
    SELECT 'it is ' || b.boost_status || ', and its history ends in ' || coalesce(c.ends_in, 'nothing') AS fault
    WHERE c.ends_in IS DISTINCT FROM b.boost_status AND (c.ends_in IS NOT NULL OR b.updated_at >= %(kept_from)s)
    UNION ALL
    SELECT 'its history is no chain of transitions that are allowed'
    WHERE NOT c.is_legal OR (b.created_at >= %(kept_from)s AND NOT c.has_its_start)
    UNION ALL
    SELECT 'it is ' || b.boost_status || ', and its redemption is ' || d.status
    WHERE d.status <> CASE b.boost_status
        WHEN 'pending_payout' THEN 'fulfilled' WHEN 'paid' THEN 'concluded' WHEN 'cancelled' THEN 'rejected' ELSE 'claimed' END
    UNION ALL
    SELECT 'its sales are ' || (s.at_expiration - s.at_activation) || ', not ' || (b.sales_at_expiration - b.sales_at_activation)
    WHERE (s.at_activation, s.at_expiration) <> (b.sales_at_activation, b.sales_at_expiration)
    UNION ALL
    SELECT 'its commission is not ' || b.calculated_commission
    WHERE b.calculated_commission <> trackai.boost_commission(s.at_expiration - s.at_activation, b.boost_rate, b.minor_units)
    UNION ALL
    SELECT 'it was paid ' || b.final_payout_amount || ', not ' || coalesce(b.admin_adjusted_commission, b.calculated_commission)
    WHERE b.final_payout_amount <> coalesce(b.admin_adjusted_commission, b.calculated_commission)
) f
ORDER BY t.slug, b.id
