-- Where what matching and the columns of tenants say is not what the versions of their gates say: by tenant, what differs.
-- A column may be behind its gate for ten minutes (apply_flag_plans).
-- Indexes: matching_settings' key; versions, tenants and settings are read whole. Guarantees: read-only.
WITH computed AS (
    SELECT s.* FROM trackai.settings_as_known(NULL, 'infinity') s
),
periods AS (
    SELECT coalesce(s.tenant_id, m.tenant_id) AS tenant_id, count(*) AS differing,
           min(coalesce(s.effective_from, m.effective_from)) AS first
    FROM computed s
    FULL JOIN trackai.matching_settings m ON m.tenant_id = s.tenant_id AND m.effective_from = s.effective_from
    WHERE (s.effective_to, s.lookback_days, s.email_matching, s.lookback_version, s.email_version)
          IS DISTINCT FROM (m.effective_to, m.lookback_days, m.email_matching, m.lookback_version, m.email_version)
    GROUP BY 1
),
columns AS (
    SELECT t.id AS tenant_id, g.key, g.value, trackai.gate_now(g.key, t.id) AS expected
    FROM trackai.tenants t
    CROSS JOIN LATERAL (VALUES
        ('dispatch_policy', t.dispatch_policy),
        ('email_matching', t.email_matching::text),
        ('lookback_days', t.lookback_days::text)
    ) AS g (key, value)
    WHERE g.value <> trackai.gate_now(g.key, t.id)
      AND NOT EXISTS (
          SELECT FROM trackai.feature_flag_periods p
          WHERE p.flag_key = g.key
            AND (p.tenant_id IS NULL OR p.tenant_id = t.id)
            AND greatest(p.effective_from, p.recorded_at) BETWEEN %(now)s - interval '10 minutes' AND %(now)s
      )
)
SELECT t.slug AS tenant,
       'matching_settings differ from the history in ' || p.differing || ' period(s), the first from ' || p.first AS what
FROM periods p
JOIN trackai.tenants t ON t.id = p.tenant_id
UNION ALL
SELECT t.slug, 'its column ' || c.key || ' is ' || c.value || ', and the gate says ' || c.expected
FROM columns c
JOIN trackai.tenants t ON t.id = c.tenant_id
ORDER BY 1, 2
