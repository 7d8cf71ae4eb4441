-- The paths of one tenant in the UTC days %(from_day)s to %(to_day)s: the units of its touches by time, the last 20, with
-- how many journeys took them and ended with a sale, and how many without one. Journeys with a sale are those of
-- conversion_touchpoints. Without: the clicks of one browser key, else of one click key, in these days, of which none is
-- a touch of such a journey, the last is at least 3 days before the end, and there are at most 50. A click without
-- either key is on no path. {unit} is the column of touches and of click_campaigns.
-- Indexes: the primary key of conversion_touchpoints in the days' partitions, clicks_by_day. Reads the days' clicks: for
-- the night, not for requests.
-- Guarantees: each journey is on one path; sales after the last day change no path.
WITH touches AS (
    SELECT t.conversion_id, t.position, t.click_id, t.{unit}::text COLLATE "C" AS unit
    FROM trackai.conversion_touchpoints t
    WHERE t.tenant_id = %(tenant_id)s AND t.day BETWEEN %(from_day)s AND %(to_day)s
),
clicked AS (
    SELECT k.click_id AS id, k.created_at, k.{unit} AS unit, k.browser_key, k.click_key,
           -- Hashed, whatever the planner makes of the joins: a nested loop over both takes hours.
           k.click_id IN (SELECT t.click_id FROM touches t WHERE t.click_id IS NOT NULL) AS sold
    FROM trackai.click_campaigns k
    WHERE k.tenant_id = %(tenant_id)s
      AND k.created_at >= %(from_day)s::date::timestamp AT TIME ZONE 'UTC'
      AND k.created_at < (%(to_day)s::date + 1)::timestamp AT TIME ZONE 'UTC'
),
journeys AS (
    SELECT array_agg(t.unit ORDER BY t.position) AS units, 1 AS conversions, 0 AS nulls
    FROM touches t
    GROUP BY t.conversion_id
    UNION ALL
    SELECT array_agg(k.unit ORDER BY k.created_at, k.id), 0, 1
    FROM clicked k
    WHERE k.browser_key IS NOT NULL OR k.click_key IS NOT NULL
    GROUP BY k.browser_key, CASE WHEN k.browser_key IS NULL THEN k.click_key END
    HAVING count(*) <= 50
       AND NOT bool_or(k.sold)
       AND max(k.created_at) <= (%(to_day)s::date - 2)::timestamp AT TIME ZONE 'UTC'
)
SELECT p.path, sum(p.conversions)::bigint AS conversions, sum(p.nulls)::bigint AS nulls
FROM (
    SELECT j.units[greatest(cardinality(j.units) - 19, 1):] AS path, j.conversions, j.nulls FROM journeys j
) p
GROUP BY p.path
