-- The campaigns' figures of a UTC day over all tenants, for people: what was sold and spent by currency, and how much of it
-- belongs to no campaign.
-- Indexes: a look-up a tenant in campaign_daily_money's primary key and in conversion_journeys_by_day.
WITH money AS (
    SELECT m.currency, sum(m.conversions) AS conversions, sum(m.new_customers) AS new_customers, count(*) AS figures,
           sum(m.revenue) AS revenue, sum(m.spend) AS spend,
           coalesce(sum(m.revenue) FILTER (WHERE m.campaign_id = '(none)'), 0) AS without_campaign
    FROM trackai.tenants t
    JOIN trackai.campaign_daily_money m ON m.tenant_id = t.id AND m.date = %(day)s
    GROUP BY m.currency
),
journeys AS (
    SELECT coalesce(sum(j.touches), 0)::bigint AS touches,
           coalesce(sum(j.shared_keys), 0)::bigint AS shared_keys
    FROM trackai.tenants t
    JOIN trackai.conversion_journeys j ON j.tenant_id = t.id AND j.day = %(day)s
)
SELECT coalesce(sum(m.conversions), 0)::bigint AS conversions,
       coalesce(sum(m.new_customers), 0)::bigint AS new_customers,
       coalesce(jsonb_object_agg(m.currency, m.revenue::text) FILTER (WHERE m.conversions > 0), '{}') AS revenue,
       coalesce(jsonb_object_agg(m.currency, m.spend::text) FILTER (WHERE m.spend IS NOT NULL), '{}') AS spend,
       coalesce(jsonb_object_agg(m.currency, m.without_campaign::text) FILTER (WHERE m.revenue > 0), '{}')
           AS without_campaign,
       (SELECT j.touches FROM journeys j) AS touches,
       (SELECT j.shared_keys FROM journeys j) AS shared_keys
FROM money m
