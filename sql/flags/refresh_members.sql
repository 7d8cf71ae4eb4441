-- Makes the members of a segment those users whose conversions it asks for; returns how many came, went and are there.
-- Indexes: conversions_by_day, the primary keys of user_conversions and matched_attributions, and those of clicks. Reads
-- all members of the segment.
-- Guarantees: whole, for all tenants; repeating it changes nothing. A user's conversions are those that
-- user_conversions links. Conversions count from the day `from_day` until before `to_day`, UTC.
WITH wanted AS MATERIALIZED (
    SELECT l.tenant_id, l.user_id
    FROM trackai.conversions AS c
    JOIN trackai.user_conversions AS l ON l.tenant_id = c.tenant_id AND l.conversion_id = c.id
    LEFT JOIN trackai.matched_attributions AS a ON a.tenant_id = c.tenant_id AND a.conversion_id = c.id
    WHERE c.occurred_at >= %(from_day)s::date::timestamp AT TIME ZONE 'UTC'
      AND c.occurred_at < %(to_day)s::date::timestamp AT TIME ZONE 'UTC'
      AND (NOT %(only_matched)s::boolean OR a.strategy <> 'unmatched')
      AND (%(campaign_id)s::text IS NULL OR EXISTS (
          SELECT FROM trackai.click_campaigns AS k
          WHERE k.tenant_id = a.tenant_id AND k.click_id = a.click_id AND k.campaign_id = %(campaign_id)s
      ))
    GROUP BY l.tenant_id, l.user_id
    HAVING CASE
        WHEN %(min_value)s::numeric IS NULL THEN count(*) >= %(min_conversions)s
        ELSE sum(c.value) FILTER (WHERE c.currency = %(currency)s) >= %(min_value)s::numeric
    END
),
gone AS (
    DELETE FROM trackai.feature_flag_segment_members AS m
    WHERE m.segment = %(segment)s
      AND NOT EXISTS (SELECT FROM wanted AS w WHERE w.tenant_id = m.tenant_id AND w.user_id = m.user_id)
    RETURNING 1
),
came AS (
    INSERT INTO trackai.feature_flag_segment_members (tenant_id, segment, user_id, added_at)
    SELECT w.tenant_id, %(segment)s, w.user_id, %(now)s
    FROM wanted AS w
    ORDER BY w.tenant_id, w.user_id
    ON CONFLICT DO NOTHING
    RETURNING 1
)
SELECT (SELECT count(*) FROM wanted) AS members,
       (SELECT count(*) FROM came) AS came,
       (SELECT count(*) FROM gone) AS gone
