-- The UTC days of a tenant before %(before)s whose amounts a rate that was first or last stated after they were computed may
-- convert: a rate holds for its day and the seven after it, between its two currencies or across its base.
-- Indexes: fx_rates_by_arrival from %(since)s on, fx_rates' and campaign_daily_money's primary keys.
SELECT DISTINCT m.date
FROM (
    SELECT f.day, f.base, f.quote, max(f.ingested_at) AS ingested_at
    FROM trackai.fx_rates f
    WHERE f.tenant_id IN (%(tenant_id)s, '*') AND f.ingested_at > %(since)s
    GROUP BY f.day, f.base, f.quote
) r
JOIN trackai.tenants t ON t.id = %(tenant_id)s AND t.reporting_currency IS NOT NULL
JOIN trackai.campaign_daily_money m
    ON m.tenant_id = %(tenant_id)s AND m.date BETWEEN r.day AND r.day + 7 AND m.date < %(before)s
   AND m.currency <> t.reporting_currency
   AND r.ingested_at > m.computed_at - %(margin)s
WHERE (r.base = m.currency AND r.quote = t.reporting_currency)
   OR (r.base = t.reporting_currency AND r.quote = m.currency)
   OR (
       r.quote IN (m.currency, t.reporting_currency)
       AND EXISTS (
           SELECT
           FROM trackai.fx_rates o
           WHERE o.tenant_id IN (%(tenant_id)s, '*') AND o.day = r.day AND o.base = r.base
             AND o.quote = CASE WHEN r.quote = m.currency THEN t.reporting_currency ELSE m.currency END
       )
   )
