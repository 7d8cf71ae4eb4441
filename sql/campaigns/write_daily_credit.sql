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
      AND NOT EXISTS (
          SELECT FROM figures f
          WHERE f.campaign_id = d.campaign_id AND f.channel = d.channel AND f.model = d.model
            AND f.currency = d.currency
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
