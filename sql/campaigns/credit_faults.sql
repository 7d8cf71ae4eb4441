-- Compares the journeys of a UTC day with its matched sales and with the clicks they are made of, one row a tenant.
-- Indexes: conversions_by_day, conversion_journeys_by_day, the partition of conversion_touchpoints, and the primary keys
-- of matched_attributions, clicks and campaign_aliases.
-- Guarantees: a sale counts under the first fault that it has. A tenant whose journeys were not computed since its newest
-- attribution of the day is stale. A touch's campaign and channel are compared with those that its click has now, but
-- for journeys that are kept, clicks that lost their details, and aliases that were made since.
WITH sales AS (
    SELECT c.tenant_id, c.id AS conversion_id, c.anonymised_at, a.click_id, a.matched_at
    FROM trackai.conversions c
    JOIN trackai.matched_attributions a
        ON a.tenant_id = c.tenant_id AND a.conversion_id = c.id AND a.strategy <> 'unmatched'
    WHERE c.occurred_at >= %(day)s::date::timestamp AT TIME ZONE 'UTC'
      AND c.occurred_at < (%(day)s::date + 1)::timestamp AT TIME ZONE 'UTC'
),
journeys AS (
    SELECT j.tenant_id, j.conversion_id, j.touches, j.computed_at
    FROM trackai.conversion_journeys j
    WHERE j.day = %(day)s
),
touches AS (
    SELECT p.tenant_id, p.conversion_id,
           count(*) AS touches,
           min(p.position) AS first,
           max(p.position) AS last,
           count(*) FILTER (WHERE p.credit_matched = 1) AS matched,
           max(p.click_id) FILTER (WHERE p.credit_matched = 1) AS matched_click,
           sum(p.credit_matched) = 1 AND sum(p.credit_last_touch) = 1 AND sum(p.credit_first_touch) = 1
           AND sum(p.credit_linear) = 1 AND sum(p.credit_position_based) = 1 AND sum(p.credit_time_decay) = 1
           AND sum(p.credit_last_non_direct) = 1 AND sum(p.credit_markov) = 1 AND sum(p.credit_shapley) = 1 AS sums_to_one
    FROM trackai.conversion_touchpoints p
    WHERE p.day = %(day)s
    GROUP BY p.tenant_id, p.conversion_id
),
aliases AS (
    SELECT a.tenant_id, max(a.created_at) AS newest FROM trackai.campaign_aliases a GROUP BY a.tenant_id
),
misnamed AS (
    SELECT DISTINCT p.tenant_id, p.conversion_id
    FROM trackai.conversion_touchpoints p
    JOIN sales s ON s.tenant_id = p.tenant_id AND s.conversion_id = p.conversion_id AND s.anonymised_at IS NULL
    JOIN journeys j ON j.tenant_id = p.tenant_id AND j.conversion_id = p.conversion_id
    JOIN trackai.clicks k ON k.tenant_id = p.tenant_id AND k.id = p.click_id
    JOIN trackai.click_campaigns c ON c.tenant_id = k.tenant_id AND c.click_id = k.id
    LEFT JOIN aliases a ON a.tenant_id = p.tenant_id
    WHERE p.day = %(day)s
      AND (p.campaign_id <> c.campaign_id OR p.channel::text <> c.channel)
      AND (k.anonymised_at IS NULL OR k.anonymised_at <= j.computed_at)
      AND (a.newest IS NULL OR a.newest <= j.computed_at)
),
judged AS (
    SELECT coalesce(s.tenant_id, j.tenant_id, t.tenant_id) AS tenant_id,
           coalesce(s.conversion_id, j.conversion_id, t.conversion_id) AS conversion_id,
           s.matched_at,
           j.computed_at,
           s.conversion_id IS NOT NULL AS is_sale,
           CASE
               WHEN s.conversion_id IS NULL THEN 'stray'
               WHEN j.conversion_id IS NULL OR t.conversion_id IS NULL THEN 'missing'
               WHEN t.touches <> j.touches OR t.first <> 1 OR t.last <> t.touches THEN 'torn'
               WHEN t.matched <> 1 OR t.matched_click <> s.click_id THEN 'unmatched'
               WHEN NOT t.sums_to_one THEN 'unequal'
               WHEN m.conversion_id IS NOT NULL THEN 'misnamed'
           END AS fault
    FROM sales s
    FULL JOIN journeys j ON j.tenant_id = s.tenant_id AND j.conversion_id = s.conversion_id
    FULL JOIN touches t
        ON t.tenant_id = coalesce(s.tenant_id, j.tenant_id)
        AND t.conversion_id = coalesce(s.conversion_id, j.conversion_id)
    LEFT JOIN misnamed m
        ON m.tenant_id = coalesce(s.tenant_id, j.tenant_id, t.tenant_id)
        AND m.conversion_id = coalesce(s.conversion_id, j.conversion_id, t.conversion_id)
)
SELECT n.slug AS tenant,
       count(*) FILTER (WHERE j.is_sale) AS sales,
       max(j.matched_at) > coalesce(max(j.computed_at), '-infinity') AS stale,
       count(*) FILTER (WHERE j.fault = 'missing') AS missing,
       count(*) FILTER (WHERE j.fault = 'stray') AS stray,
       count(*) FILTER (WHERE j.fault = 'torn') AS torn,
       count(*) FILTER (WHERE j.fault = 'unmatched') AS unmatched,
       count(*) FILTER (WHERE j.fault = 'unequal') AS unequal,
       count(*) FILTER (WHERE j.fault = 'misnamed') AS misnamed,
       min(j.conversion_id) FILTER (WHERE j.fault IS NOT NULL) AS example
FROM judged j
JOIN trackai.tenants n ON n.id = j.tenant_id
GROUP BY n.slug
ORDER BY n.slug
