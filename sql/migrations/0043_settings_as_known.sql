-- What matching's settings are as known at a moment, so that a past decision can be judged by what was known then.

CREATE FUNCTION trackai.settings_as_known(tenant_ids text[], known_at timestamptz)
RETURNS TABLE (
    tenant_id text, effective_from timestamptz, effective_to timestamptz, lookback_days integer, email_matching boolean,
    lookback_version bigint, email_version bigint
)
LANGUAGE sql STABLE
BEGIN ATOMIC
    WITH known AS (
        SELECT v.flag_key, v.tenant_id, v.id, v.effective_from, v.state,
               coalesce(
                   min(v.effective_from) OVER (
                       PARTITION BY v.flag_id, v.tenant_id ORDER BY v.id
                       ROWS BETWEEN 1 FOLLOWING AND UNBOUNDED FOLLOWING
                   ),
                   'infinity'
               ) AS effective_to
        FROM trackai.feature_flag_versions v
        WHERE v.flag_key IN ('email_matching', 'lookback_days') AND v.recorded_at <= settings_as_known.known_at
    ),
    periods AS MATERIALIZED (
        SELECT k.* FROM known k WHERE k.effective_from < k.effective_to
    ),
    bounds AS (
        SELECT t.id, t.slug, '-infinity'::timestamptz AS at
        FROM trackai.tenants t
        WHERE settings_as_known.tenant_ids IS NULL OR t.id = ANY (settings_as_known.tenant_ids)
        UNION
        SELECT t.id, t.slug, p.effective_from
        FROM trackai.tenants t
        JOIN periods p ON p.tenant_id IS NULL OR p.tenant_id = t.id
        WHERE settings_as_known.tenant_ids IS NULL OR t.id = ANY (settings_as_known.tenant_ids)
    ),
    valued AS (
        SELECT b.id, b.at,
               coalesce(trackai.gate_value(l.state, lt.state, b.slug), '90')::integer AS lookback_days,
               coalesce(trackai.gate_value(e.state, et.state, b.slug), 'false')::boolean AS email_matching,
               coalesce(CASE WHEN lt.state IS NULL THEN l.id ELSE lt.id END, 0) AS lookback_version,
               coalesce(CASE WHEN et.state IS NULL THEN e.id ELSE et.id END, 0) AS email_version
        FROM bounds b
        LEFT JOIN periods e
            ON e.flag_key = 'email_matching' AND e.tenant_id IS NULL
            AND e.effective_from <= b.at AND b.at < e.effective_to
        LEFT JOIN periods et
            ON et.flag_key = 'email_matching' AND et.tenant_id = b.id
            AND et.effective_from <= b.at AND b.at < et.effective_to
        LEFT JOIN periods l
            ON l.flag_key = 'lookback_days' AND l.tenant_id IS NULL
            AND l.effective_from <= b.at AND b.at < l.effective_to
        LEFT JOIN periods lt
            ON lt.flag_key = 'lookback_days' AND lt.tenant_id = b.id
            AND lt.effective_from <= b.at AND b.at < lt.effective_to
    ),
    -- Neighbours that are equal are one period.
    compared AS (
        SELECT v.*, coalesce(s.said = lag(s.said) OVER (PARTITION BY v.id ORDER BY v.at), false) AS as_before
        FROM valued v
        CROSS JOIN LATERAL (
            SELECT concat_ws(' ', v.lookback_days, v.email_matching, v.lookback_version, v.email_version) AS said
        ) s
    )
    SELECT c.id, c.at, lead(c.at, 1, 'infinity') OVER (PARTITION BY c.id ORDER BY c.at),
           c.lookback_days, c.email_matching, c.lookback_version, c.email_version
    FROM compared c
    WHERE NOT c.as_before;
END;
COMMENT ON FUNCTION trackai.settings_as_known IS 'What matching_settings has for these tenants, NULL meaning all, from the versions recorded until a moment.';

CREATE OR REPLACE FUNCTION trackai.settle_matching(tenant_ids text[]) RETURNS void
LANGUAGE sql
BEGIN ATOMIC
    WITH settled AS MATERIALIZED (
        SELECT s.* FROM trackai.settings_as_known(settle_matching.tenant_ids, 'infinity') s
    ),
    gone AS (
        DELETE FROM trackai.matching_settings m
        WHERE (settle_matching.tenant_ids IS NULL OR m.tenant_id = ANY (settle_matching.tenant_ids))
          AND NOT EXISTS (
              SELECT FROM settled s WHERE s.tenant_id = m.tenant_id AND s.effective_from = m.effective_from
          )
    )
    INSERT INTO trackai.matching_settings AS m
        (tenant_id, effective_from, effective_to, lookback_days, email_matching, lookback_version, email_version)
    SELECT s.tenant_id, s.effective_from, s.effective_to, s.lookback_days, s.email_matching, s.lookback_version,
           s.email_version
    FROM settled s
    ON CONFLICT (tenant_id, effective_from) DO UPDATE
    SET effective_to = excluded.effective_to, lookback_days = excluded.lookback_days,
        email_matching = excluded.email_matching, lookback_version = excluded.lookback_version,
        email_version = excluded.email_version
    WHERE (m.effective_to, m.lookback_days, m.email_matching, m.lookback_version, m.email_version)
          IS DISTINCT FROM (excluded.effective_to, excluded.lookback_days, excluded.email_matching,
                            excluded.lookback_version, excluded.email_version);
END;
