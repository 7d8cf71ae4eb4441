-- The cohorts of a tenant, each row with the least age so far at which the cohort had paid back what it cost.
-- Index: the primary key.
SELECT c.campaign_id, c.cohort_month, c.currency, c.age_days, c.buyers, c.orders, c.revenue, c.ltv, c.spend,
       min(c.age_days) FILTER (WHERE c.revenue >= c.spend) OVER cohort AS payback_days
FROM trackai.campaign_cohorts c
WHERE c.tenant_id = %(tenant_id)s
WINDOW cohort AS (PARTITION BY c.campaign_id, c.cohort_month, c.currency)
ORDER BY c.campaign_id, c.cohort_month, c.currency, c.age_days
