-- The UTC days of a tenant before %(before)s with costs that moved to another campaign, because a click or a file named
-- it first after the days were computed. Days whose costs were that campaign's before are left out.
-- Indexes: campaigns_by_naming from %(since)s on, the primary keys of ad_campaign_names and campaign_aliases,
-- ad_cost_statements_by_campaign, the unique key of ad_cost_statements, campaign_analytics_daily_by_date, and the
-- primary key of campaign_daily_money.
WITH named AS MATERIALIZED (
    SELECT k.campaign_id, k.named_at
    FROM trackai.campaigns k
    WHERE k.tenant_id = %(tenant_id)s AND k.named_at > %(since)s
),
theirs AS MATERIALIZED (
    SELECT p.platform_campaign_id, max(p.named_at) AS named_at
    FROM (
        SELECT k.campaign_id AS platform_campaign_id, k.named_at FROM named k
        UNION ALL
        SELECT n.campaign_id, k.named_at
        FROM named k
        JOIN trackai.ad_campaign_names n ON n.tenant_id = %(tenant_id)s AND n.name = k.campaign_id
        UNION ALL
        SELECT n.campaign_id, k.named_at
        FROM named k
        JOIN trackai.campaign_aliases a ON a.tenant_id = %(tenant_id)s AND a.campaign_id = k.campaign_id
        JOIN trackai.ad_campaign_names n ON n.tenant_id = %(tenant_id)s AND n.name = a.alias
    ) p
    GROUP BY p.platform_campaign_id
),
costs AS MATERIALIZED (
    SELECT DISTINCT s.day, s.campaign_id AS platform_campaign_id, t.named_at
    FROM theirs t
    JOIN trackai.ad_cost_statements s
        ON s.tenant_id = %(tenant_id)s AND s.campaign_id = t.platform_campaign_id
),
joined AS MATERIALIZED (
    SELECT v.date, v.campaign_id, max(c.named_at) AS named_at
    FROM costs c
    -- Grouped, so that the day reaches the index below the view.
    CROSS JOIN LATERAL (
        SELECT g.date, g.campaign_id
        FROM trackai.v_counted_ad_costs g
        WHERE g.tenant_id = %(tenant_id)s AND g.day = c.day AND g.platform_campaign_id = c.platform_campaign_id
        GROUP BY g.date, g.campaign_id
    ) v
    WHERE v.date < %(before)s
    GROUP BY v.date, v.campaign_id
)
SELECT DISTINCT j.date
FROM joined j
CROSS JOIN LATERAL (
    SELECT min(d.computed_at) AS computed_at
    FROM trackai.campaign_analytics_daily d
    WHERE d.tenant_id = %(tenant_id)s AND d.date = j.date
) f
WHERE j.named_at > coalesce(f.computed_at - %(margin)s, '-infinity')
  AND EXISTS (
      SELECT v.currency, sum(v.spend), sum(sum(v.impressions)) OVER ()
      FROM trackai.v_counted_ad_costs v
      WHERE v.tenant_id = %(tenant_id)s AND v.day BETWEEN j.date - 1 AND j.date + 1
        AND v.date = j.date AND v.campaign_id = j.campaign_id
      GROUP BY v.currency
      EXCEPT
      SELECT m.currency, m.spend, d.impressions
      FROM trackai.campaign_daily_money m
      JOIN trackai.campaign_analytics_daily d
          ON d.tenant_id = m.tenant_id AND d.campaign_id = m.campaign_id AND d.date = m.date
      WHERE m.tenant_id = %(tenant_id)s AND m.date = j.date AND m.campaign_id = j.campaign_id
  )
