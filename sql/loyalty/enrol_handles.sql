-- Makes a user, an alias and a member of each handle of a counted report that is nobody's on its day, where the rules of
-- that day enrol handles; returns how many members are new. A member enrols on the first such day, or on the first that is
-- not evaluated yet.
-- Indexes: sales_reports_unassigned, the primary keys of creator_aliases, users and loyalty_members, in whose order rows
-- are written. Guarantees: any order of arrival gives the same aliases.
WITH rules AS MATERIALIZED (
    SELECT valid_from, lead(valid_from, 1, 'infinity') OVER (ORDER BY valid_from) AS valid_to, report_sources, auto_enrol
    FROM trackai.loyalty_programs
    WHERE tenant_id = %(tenant_id)s
), handles AS MATERIALIZED (
    SELECT s.handle, min(s.report_day) AS report_day
    FROM trackai.sales_reports s
    JOIN rules r ON s.report_day >= r.valid_from AND s.report_day < r.valid_to AND s.source = ANY (r.report_sources)
    WHERE s.tenant_id = %(tenant_id)s AND s.user_id IS NULL AND s.handle IS NOT NULL AND r.auto_enrol
      AND NOT EXISTS (
          SELECT FROM trackai.creator_aliases a
          WHERE a.tenant_id = s.tenant_id AND a.kind = 'tiktok' AND a.alias = s.handle AND a.valid_from <= s.report_day
      )
    GROUP BY s.handle
), new_users AS (
    INSERT INTO trackai.users (tenant_id, id, created_at, updated_at)
    SELECT %(tenant_id)s, 'tiktok:' || h.handle, %(now)s, %(now)s FROM handles h ORDER BY 2
    ON CONFLICT (tenant_id, id) DO NOTHING
    RETURNING 1
), new_aliases AS (
    INSERT INTO trackai.creator_aliases (tenant_id, kind, alias, valid_from, user_id, created_at, updated_at)
    SELECT %(tenant_id)s, 'tiktok', h.handle, h.report_day, 'tiktok:' || h.handle, %(now)s, %(now)s FROM handles h
    ORDER BY 3
    ON CONFLICT (tenant_id, kind, alias, valid_from) DO NOTHING
    RETURNING 1
), new_members AS (
    INSERT INTO trackai.loyalty_members AS m (tenant_id, user_id, enrolled_on, created_at, updated_at)
    SELECT %(tenant_id)s, 'tiktok:' || h.handle,
           greatest(h.report_day, (SELECT max(e.day) + 1 FROM trackai.tier_evaluations e WHERE e.tenant_id = %(tenant_id)s)),
           %(now)s, %(now)s
    FROM handles h
    ORDER BY 2
    ON CONFLICT (tenant_id, user_id) DO UPDATE
    SET enrolled_on = excluded.enrolled_on, updated_at = excluded.updated_at
    WHERE m.current_tier IS NULL AND excluded.enrolled_on < m.enrolled_on
    RETURNING m.xmax = 0 AS new
)
SELECT count(*) FILTER (WHERE new) FROM new_members
