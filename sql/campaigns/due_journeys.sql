-- The UTC days of a tenant before %(before)s with matched sales whose journeys a late click may belong to: it shares a
-- click key, a browser key or a contact with the sale, or with one of its touches. A click reaches as far as it would
-- with the widest settings that a sale after it can have; computing a day in vain changes nothing.
-- Indexes: clicks_by_arrival from %(since)s on, clicks_by_click_key and clicks_by_browser_key, identities_by_click,
-- matching_settings' primary key, conversions_by_day and the partitions of conversion_touchpoints over the window of the
-- late clicks, which are few.
-- (SELECT %(tenant_id)s) hides the tenant from the planner, which takes one that is newer than its statistics for one row.
WITH late AS MATERIALIZED (
    SELECT k.id, k.created_at, k.ingested_at, trackai.click_key(k.fbc, k.fbclid) AS click_key,
           trackai.browser_key(k.fbp) AS browser_key,
           coalesce(t.journey_days, g.lookback_days) * interval '24 hours' AS reach,
           g.email_matching
    FROM trackai.clicks k
    JOIN trackai.tenants t ON t.id = k.tenant_id
    CROSS JOIN LATERAL (
        SELECT max(g.lookback_days) AS lookback_days, bool_or(g.email_matching) AS email_matching
        FROM trackai.matching_settings g
        WHERE g.tenant_id = k.tenant_id AND g.effective_to > k.created_at - interval '5 minutes'
    ) g
    WHERE k.tenant_id = (SELECT %(tenant_id)s) AND k.ingested_at > %(since)s
      AND k.created_at < %(before)s::date::timestamp AT TIME ZONE 'UTC'
),
bounds AS MATERIALIZED (
    SELECT min(l.created_at) - interval '5 minutes' AS first_at, max(l.created_at + l.reach) AS last_at FROM late l
),
akin AS MATERIALIZED (
    SELECT o.id, l.created_at, l.ingested_at, l.reach
    FROM late l
    JOIN trackai.clicks o
        ON o.tenant_id = (SELECT %(tenant_id)s)
       AND trackai.key_hash(trackai.click_key(o.fbc, o.fbclid)) = trackai.key_hash(l.click_key)
    UNION
    SELECT o.id, l.created_at, l.ingested_at, l.reach
    FROM late l
    JOIN trackai.clicks o
        ON o.tenant_id = (SELECT %(tenant_id)s)
       AND trackai.key_hash(trackai.browser_key(o.fbp)) = trackai.key_hash(l.browser_key)
),
keys AS MATERIALIZED (
    -- What sales have in common with late clicks.
    SELECT k.name, k.value, l.created_at, l.ingested_at, l.reach
    FROM late l
    CROSS JOIN LATERAL (
        SELECT 'click' AS name, l.click_key AS value
        UNION ALL
        SELECT 'browser', l.browser_key
        UNION ALL
        SELECT c.name, c.value
        FROM trackai.identities i
        CROSS JOIN LATERAL (VALUES ('email', i.email_hash), ('phone', i.phone_hash)) AS c (name, value)
        WHERE l.email_matching AND i.tenant_id = (SELECT %(tenant_id)s) AND i.click_id = l.id
    ) k
),
found AS (
    SELECT t.day, a.ingested_at
    FROM bounds w
    JOIN trackai.conversion_touchpoints t
        ON t.tenant_id = (SELECT %(tenant_id)s)
       AND t.day BETWEEN (w.first_at AT TIME ZONE 'UTC')::date AND (w.last_at AT TIME ZONE 'UTC')::date
    JOIN akin a ON a.id = t.click_id
    WHERE t.day BETWEEN ((a.created_at - interval '5 minutes') AT TIME ZONE 'UTC')::date
                    AND ((a.created_at + a.reach) AT TIME ZONE 'UTC')::date
    UNION ALL
    SELECT (c.occurred_at AT TIME ZONE 'UTC')::date, k.ingested_at
    FROM bounds w
    JOIN trackai.conversions c
        ON c.tenant_id = (SELECT %(tenant_id)s) AND c.occurred_at BETWEEN w.first_at AND w.last_at
    CROSS JOIN LATERAL (VALUES
        ('click', trackai.click_key(c.fbc, c.fbclid)),
        ('browser', trackai.browser_key(c.fbp)),
        ('email', c.customer_email_hash),
        ('phone', c.customer_phone_hash)
    ) AS s (name, value)
    JOIN keys k
        ON k.name = s.name AND k.value = s.value
       AND c.occurred_at BETWEEN k.created_at - interval '5 minutes' AND k.created_at + k.reach
    JOIN trackai.matched_attributions a
        ON a.tenant_id = c.tenant_id AND a.conversion_id = c.id AND a.strategy <> 'unmatched'
)
SELECT x.day
FROM (SELECT f.day, max(f.ingested_at) AS ingested_at FROM found f WHERE f.day < %(before)s GROUP BY f.day) x
CROSS JOIN LATERAL (
    SELECT min(d.computed_at) AS computed_at
    FROM trackai.campaign_analytics_daily d
    WHERE d.tenant_id = (SELECT %(tenant_id)s) AND d.date = x.day
) k
WHERE x.ingested_at > k.computed_at - %(margin)s
