-- Writes what was sold before and in a tenant's boosts that are not paid, by the postings up to %(ledger_upto)s, where that
-- changed; the payout of those whose days are over by %(day)s. Returns how many.
-- Index: boosts_by_status; sales_ledger_by_day, one range a boost. Guarantees: both sums are of the same postings.
WITH sold AS MATERIALIZED (
    SELECT b.id, s.at_activation,
           CASE WHEN b.boost_status <> 'active' THEN s.at_expiration END AS at_expiration,
           CASE WHEN b.boost_status <> 'active' THEN
               trackai.boost_commission(s.at_expiration - s.at_activation, b.boost_rate, b.minor_units)
           END AS commission
    FROM trackai.commission_boost_redemptions b
    CROSS JOIN LATERAL trackai.boost_sales(
        b.tenant_id, b.user_id, b.currency, b.scheduled_activation_date, b.scheduled_activation_date + b.duration_days,
        %(ledger_upto)s
    ) s
    WHERE b.tenant_id = %(tenant_id)s AND b.boost_status IN ('active', 'expired', 'pending_info', 'pending_payout')
      AND (b.sales_at_activation, b.sales_at_expiration) IS DISTINCT FROM
          (s.at_activation, CASE WHEN b.boost_status <> 'active' THEN s.at_expiration END)
),
measured AS (
    UPDATE trackai.commission_boost_redemptions b
    SET sales_at_activation = s.at_activation, sales_at_expiration = s.at_expiration,
        calculated_commission = s.commission, ledger_upto = %(ledger_upto)s, updated_at = %(now)s
    FROM sold s
    WHERE b.tenant_id = %(tenant_id)s AND b.id = s.id
    RETURNING b.id
)
SELECT count(*) FROM measured
