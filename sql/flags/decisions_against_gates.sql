-- By tenant, how many decisions of matching on the UTC day %(day)s are not what the gates said, as known when they were
-- made, and the first of them: e-mail tried where email_matching was off, or not tried where it was on and nothing else
-- matched, an attribution by e-mail where it was off, or a click outside of the sale's lookback_days. `superseded` ones
-- were right when they were made and are not by what is known now.
-- A decision within %(tolerance)s of a recording may be of either version.
-- Indexes: the day's partition of match_log, the primary keys of conversions, matched_attributions and clicks. The settings
-- as known are computed once for all tenants, and once more for each moment of the day at which one learnt something.
-- Guarantees: read-only.
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
versions AS MATERIALIZED (
    SELECT v.tenant_id, v.recorded_at
    FROM trackai.feature_flag_versions v
    WHERE v.flag_key IN ('email_matching', 'lookback_days')
      AND v.recorded_at < (%(day)s::date + 1)::timestamp AT TIME ZONE 'UTC' + %(tolerance)s
),
learnt AS (
    -- Moments at which a tenant's settings became known, those after the day left out.
    SELECT t.id AS tenant_id, t.slug, '-infinity'::timestamptz AS at
    FROM trackai.tenants t
    WHERE t.id IN (SELECT d.tenant_id FROM decided d)
    UNION
    SELECT t.id, t.slug, v.recorded_at
    FROM trackai.tenants t
    CROSS JOIN versions v
    WHERE v.tenant_id IS NULL AND t.id IN (SELECT d.tenant_id FROM decided d)
    UNION
    SELECT t.id, t.slug, v.recorded_at
    FROM versions v
    JOIN trackai.tenants t ON t.id = v.tenant_id
    WHERE t.id IN (SELECT d.tenant_id FROM decided d)
),
epochs AS MATERIALIZED (
    -- `seen_at` is one moment for all that learnt nothing on the day.
    SELECT e.tenant_id, e.slug, e.at, e.until,
           greatest(e.at, %(day)s::date::timestamp AT TIME ZONE 'UTC' - %(tolerance)s) AS seen_at
    FROM (
        SELECT l.tenant_id, l.slug, l.at,
               lead(l.at, 1, 'infinity') OVER (PARTITION BY l.tenant_id ORDER BY l.at) AS until
        FROM learnt l
    ) e
    -- What was superseded before the day says nothing about it.
    WHERE e.until > %(day)s::date::timestamp AT TIME ZONE 'UTC' - %(tolerance)s
),
settings AS MATERIALIZED (
    SELECT e.tenant_id, e.slug, e.at, e.until, s.effective_from, s.effective_to, s.lookback_days, s.email_matching,
           false AS current
    FROM (SELECT x.seen_at, array_agg(x.tenant_id) AS tenant_ids FROM epochs x GROUP BY x.seen_at) m
    CROSS JOIN LATERAL trackai.settings_as_known(m.tenant_ids, m.seen_at) s
    JOIN epochs e ON e.tenant_id = s.tenant_id AND e.seen_at = m.seen_at
    UNION ALL
    SELECT t.id, t.slug, '-infinity', 'infinity', s.effective_from, s.effective_to, s.lookback_days, s.email_matching, true
    FROM trackai.matching_settings s
    JOIN trackai.tenants t ON t.id = s.tenant_id
    WHERE t.id IN (SELECT d.tenant_id FROM decided d)
),
judged AS (
    SELECT k.slug, c.gateway, c.gateway_event_id, d.created_at,
           bool_or(k.current AND f.email_fits AND f.click_fits) AS fits_now,
           bool_or(NOT k.current AND f.email_fits) AS email_fits,
           bool_or(NOT k.current AND f.click_fits) AS click_fits,
           bool_or(NOT k.current AND f.email_fits AND f.click_fits) AS fits
    FROM decided d
    JOIN trackai.conversions c ON c.tenant_id = d.tenant_id AND c.id = d.conversion_id
    JOIN settings k
        ON k.tenant_id = d.tenant_id
       AND k.at <= d.created_at + %(tolerance)s AND k.until > d.created_at - %(tolerance)s
       AND k.effective_from <= c.occurred_at AND c.occurred_at < k.effective_to
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
