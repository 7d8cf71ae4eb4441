-- By tenant, how many decisions of matching on the UTC day %(day)s are not what the gates said, as known when they were
-- made, and the first of them: e-mail tried where email_matching was off, or not tried where it was on and nothing else
-- matched, an attribution by e-mail where it was off, or a click outside of the sale's lookback_days. `superseded` ones
-- were right when they were made and are not by what is known now.
-- A decision within %(tolerance)s of a recording may be of either version.
-- Indexes: the day's partition of match_log, the primary keys of conversions, matched_attributions and clicks. The settings
-- as known are computed once for each moment at which a tenant learnt something. Guarantees: read-only.
WITH decided AS MATERIALIZED (
    SELECT l.tenant_id, l.conversion_id, l.created_at,
           bool_or(l.strategy = 'email') AS email_tried,
           bool_or(l.outcome = 'hit' AND l.strategy <> 'email') AS by_id,
           max(l.click_id) AS click_id
    FROM trackai.match_log l
    WHERE l.created_at >= %(day)s::date::timestamp AT TIME ZONE 'UTC'
      AND l.created_at < (%(day)s::date + 1)::timestamp AT TIME ZONE 'UTC'
    GROUP BY l.tenant_id, l.conversion_id, l.created_at
),
learnt AS (
    -- Moments at which a tenant's settings became known, those after the day left out.
    SELECT t.id AS tenant_id, t.slug, '-infinity'::timestamptz AS at
    FROM trackai.tenants t
    WHERE t.id IN (SELECT d.tenant_id FROM decided d)
    UNION
    SELECT t.id, t.slug, v.recorded_at
    FROM trackai.tenants t
    JOIN trackai.feature_flag_versions v ON v.tenant_id IS NULL OR v.tenant_id = t.id
    WHERE t.id IN (SELECT d.tenant_id FROM decided d)
      AND v.flag_key IN ('email_matching', 'lookback_days')
      AND v.recorded_at < (%(day)s::date + 1)::timestamp AT TIME ZONE 'UTC' + %(tolerance)s
),
epochs AS (
    SELECT e.tenant_id, e.slug, e.at,
           lead(e.at, 1, 'infinity') OVER (PARTITION BY e.tenant_id ORDER BY e.at) AS until
    FROM learnt e
),
known AS MATERIALIZED (
    SELECT e.tenant_id, e.slug, e.at, e.until, s.effective_from, s.effective_to, s.lookback_days, s.email_matching
    FROM epochs e
    CROSS JOIN LATERAL trackai.settings_as_known(ARRAY[e.tenant_id], e.at) s
    -- What was superseded before the day says nothing about it.
    WHERE e.until > %(day)s::date::timestamp AT TIME ZONE 'UTC' - %(tolerance)s
),
judged AS (
    SELECT k.slug, c.gateway, c.gateway_event_id, d.created_at,
           bool_or(k.current AND f.email_fits AND f.click_fits) AS fits_now,
           bool_or(k.then AND f.email_fits) AS email_fits,
           bool_or(k.then AND f.click_fits) AS click_fits,
           bool_or(k.then AND f.email_fits AND f.click_fits) AS fits
    FROM decided d
    JOIN trackai.conversions c ON c.tenant_id = d.tenant_id AND c.id = d.conversion_id
    JOIN LATERAL (
        SELECT e.slug, e.email_matching, e.lookback_days, false AS current, true AS then
        FROM known e
        WHERE e.tenant_id = d.tenant_id
          AND e.at <= d.created_at + %(tolerance)s AND e.until > d.created_at - %(tolerance)s
          AND e.effective_from <= c.occurred_at AND c.occurred_at < e.effective_to
        UNION ALL
        SELECT t.slug, m.email_matching, m.lookback_days, true, false
        FROM trackai.matching_settings m
        JOIN trackai.tenants t ON t.id = m.tenant_id
        WHERE m.tenant_id = d.tenant_id AND m.effective_from <= c.occurred_at AND c.occurred_at < m.effective_to
    ) k ON true
    LEFT JOIN trackai.matched_attributions a
        ON a.tenant_id = d.tenant_id AND a.conversion_id = d.conversion_id AND a.matched_at = d.created_at
    LEFT JOIN trackai.clicks x ON x.tenant_id = d.tenant_id AND x.id = coalesce(a.click_id, d.click_id)
    CROSS JOIN LATERAL (
        SELECT d.email_tried = (k.email_matching AND NOT d.by_id)
                   AND (a.strategy IS DISTINCT FROM 'email' OR k.email_matching) AS email_fits,
               -- A click that was archived or erased cannot be compared.
               coalesce(
                   x.created_at > c.occurred_at - k.lookback_days * interval '24 hours'
                   AND x.created_at <= c.occurred_at + interval '5 minutes',
                   true
               ) AS click_fits
    ) f
    GROUP BY k.slug, d.tenant_id, d.conversion_id, c.gateway, c.gateway_event_id, d.created_at
)
SELECT j.slug AS tenant,
       CASE
           WHEN j.fits THEN NULL
           WHEN NOT j.email_fits THEN 'e-mail was not tried as email_matching said'
           WHEN NOT j.click_fits THEN 'its click lies outside of lookback_days'
           ELSE 'no version of both gates fits it'
       END AS fault,
       count(*) AS decisions,
       (array_agg(j.gateway || ' ' || j.gateway_event_id ORDER BY j.created_at))[1] AS first
FROM judged j
WHERE NOT j.fits OR NOT j.fits_now
GROUP BY 1, 2
ORDER BY 1, 2
