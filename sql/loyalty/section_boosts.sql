-- Boosts of the tenants' programs by currency: running, and what is to be paid for those that are over and not paid.
-- Index: boosts_by_status.
SELECT t.slug, b.currency, count(*) FILTER (WHERE b.boost_status IN ('scheduled', 'active')) AS running,
       count(*) FILTER (WHERE b.boost_status IN ('pending_info', 'pending_payout')) AS to_pay,
       coalesce(sum(coalesce(b.admin_adjusted_commission, b.calculated_commission)) FILTER (
           WHERE b.boost_status IN ('pending_info', 'pending_payout')
       ), 0) AS amount
FROM trackai.commission_boost_redemptions b
JOIN trackai.tenants t ON t.id = b.tenant_id
WHERE b.boost_status IN ('scheduled', 'active', 'pending_info', 'pending_payout')
  AND (%(tenant)s::text IS NULL OR t.slug = %(tenant)s)
GROUP BY t.slug, b.currency
ORDER BY t.slug, b.currency
