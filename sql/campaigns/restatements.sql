-- The campaigns and days (of the account) of a tenant from %(from_day)s to %(to_day)s whose spend was restated: what was
-- said first, or believed at %(as_of)s, what is said now, and when another figure came last.
-- Indexes: the unique key of ad_cost_statements, for both.
-- Guarantees: counted rows alone. What was believed is the statement that was made last until then; of one that was made
-- again since, only the first time is known.
SELECT v.day, v.source, v.platform_campaign_id, v.campaign_id, v.currency,
       sum(h.then_said) AS then_said, sum(v.spend) AS now_said, max(h.changed_at) AS changed_at
FROM trackai.v_counted_ad_costs v
CROSS JOIN LATERAL (
    SELECT CASE
               WHEN %(as_of)s::timestamptz IS NULL
                   THEN (array_agg(s.spend ORDER BY s.first_stated_at, s.spend DESC, s.digest DESC))[1]
               ELSE (array_agg(
                   s.spend
                   ORDER BY
                       CASE WHEN s.last_stated_at <= %(as_of)s THEN s.last_stated_at ELSE s.first_stated_at END DESC,
                       s.spend DESC, s.digest DESC
               ) FILTER (WHERE s.first_stated_at <= %(as_of)s))[1]
           END AS then_said,
           max(s.first_stated_at) AS changed_at
    FROM trackai.ad_cost_statements s
    WHERE s.tenant_id = v.tenant_id AND s.day = v.day AND s.source = v.source AND s.account_id = v.account_id
      AND s.campaign_id = v.platform_campaign_id AND s.adset_id = v.adset_id AND s.ad_id = v.ad_id AND s.hour = v.hour
) h
WHERE v.tenant_id = %(tenant_id)s AND v.day BETWEEN %(from_day)s AND %(to_day)s
GROUP BY v.day, v.source, v.platform_campaign_id, v.campaign_id, v.currency
HAVING sum(h.then_said) IS DISTINCT FROM sum(v.spend)
ORDER BY v.day, v.source, v.platform_campaign_id, v.currency
