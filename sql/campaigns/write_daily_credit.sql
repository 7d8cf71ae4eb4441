-- Writes campaign_credit_daily of a tenant's UTC day from the day's touches, and removes rows that nothing is left of.
-- Indexes: the day's partition of conversion_touchpoints, conversions' primary key, campaign_credit_daily's primary key.
-- Guarantees: the conversions of each model and currency sum to the day's matched sales, and revenue to their value.
WITH figures AS MATERIALIZED (
    SELECT c.campaign_id, c.channel, c.model, c.currency, sum(c.credit) AS conversions,
           coalesce(sum(c.revenue), 0) AS revenue, count(*) AS touches
    FROM trackai.v_conversion_credits c
    WHERE c.tenant_id = %(tenant_id)s AND c.day = %(day)s AND c.credit > 0
    GROUP BY c.campaign_id, c.channel, c.model, c.currency
),
removed AS (
    DELETE FROM trackai.campaign_credit_daily d
    WHERE d.tenant_id = %(tenant_id)s AND d.date = %(day)s
      -- Hashed whatever the planner knows of a day that was never analysed; NOT EXISTS may loop.
      AND (d.campaign_id, d.channel, d.model, d.currency) NOT IN (
          SELECT f.campaign_id, f.channel, f.model, f.currency FROM figures f
      )
)
INSERT INTO trackai.campaign_credit_daily
    (tenant_id, date, campaign_id, channel, model, currency, conversions, revenue, touches, computed_at)
SELECT %(tenant_id)s, %(day)s::date, f.campaign_id, f.channel, f.model, f.currency, f.conversions, f.revenue, f.touches,
       %(now)s
FROM figures f
ON CONFLICT (tenant_id, date, campaign_id, channel, model, currency) DO UPDATE
SET (conversions, revenue, touches, computed_at) =
    (excluded.conversions, excluded.revenue, excluded.touches, excluded.computed_at)
