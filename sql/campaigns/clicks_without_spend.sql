-- The campaigns that a tenant's clicks named from %(from_day)s to %(to_day)s (UTC) and that nothing was spent on on these
-- days, those with most clicks first. Clicks without a campaign are left out.
-- Indexes: clicks_by_day, the unique key of ad_cost_statements.
SELECT k.campaign_id, count(*) AS clicks, (max(k.created_at) AT TIME ZONE 'UTC')::date AS last_day
FROM trackai.click_campaigns k
WHERE k.tenant_id = %(tenant_id)s AND k.campaign_id NOT IN ('(none)', '(macro)')
  AND k.created_at >= %(from_day)s::date::timestamp AT TIME ZONE 'UTC'
  AND k.created_at < (%(to_day)s::date + 1)::timestamp AT TIME ZONE 'UTC'
  AND NOT EXISTS (
      SELECT
      FROM trackai.v_counted_ad_costs v
      WHERE v.tenant_id = %(tenant_id)s AND v.day BETWEEN %(from_day)s::date - 1 AND %(to_day)s::date + 1
        AND v.date BETWEEN %(from_day)s AND %(to_day)s
        AND v.campaign_id = k.campaign_id AND v.spend > 0
  )
GROUP BY k.campaign_id
ORDER BY count(*) DESC, k.campaign_id
