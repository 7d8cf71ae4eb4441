-- Writes daily_match_rates of one UTC day from what match_rates/count_day counted, and removes groups that are no more.
-- Answers with the day's totals, one row.
-- Indexes: daily_match_rates_by_day and its primary key. The caller holds the day's lock, so that two runs do not meet.
-- Guarantees: same facts, same rows, however often it runs. The percentile is exact where the waits next to it are an end
-- of their bucket, and otherwise read off between the ends: right to the width of a bucket, three per cent.
WITH placed AS (
    -- Places in order of waiting, from 0: a bucket's first, and the percentile's, which may lie between two.
    SELECT d.tenant_id, d.gateway, d.currency, d.shortest, d.longest, d.conversions,
           (sum(d.conversions) OVER (of_group ORDER BY d.bucket) - d.conversions)::float8 AS first,
           (0.95 * (sum(d.conversions) OVER of_group - 1))::float8 AS place
    FROM day_counts d
    WHERE d.bucket IS NOT NULL
    WINDOW of_group AS (PARTITION BY d.tenant_id, d.gateway, d.currency)
),
percentiles AS (
    SELECT p.tenant_id, p.gateway, p.currency,
           sum(
               beside.share
               * (p.shortest + (p.longest - p.shortest) * (beside.place - p.first) / greatest(p.conversions - 1, 1))
           ) AS p95_match_seconds
    FROM placed p
    CROSS JOIN LATERAL (VALUES
        (floor(p.place), 1 - (p.place - floor(p.place))),
        (floor(p.place) + 1, p.place - floor(p.place))
    ) AS beside (place, share)
    WHERE beside.place >= p.first AND beside.place < p.first + p.conversions
    GROUP BY 1, 2, 3
),
counted AS MATERIALIZED (
    SELECT d.tenant_id, d.gateway, d.currency,
           sum(d.conversions)::bigint AS conversions,
           sum(d.fbc)::bigint AS fbc,
           sum(d.fbp)::bigint AS fbp,
           sum(d.email)::bigint AS email,
           sum(d.unmatched)::bigint AS unmatched,
           sum(d.conversions) FILTER (WHERE d.bucket IS NULL)::bigint AS pending,
           sum(d.value_total) AS value_total,
           coalesce(sum(d.value_matched), 0) AS value_matched,
           max(p.p95_match_seconds) AS p95_match_seconds
    FROM day_counts d
    LEFT JOIN percentiles p USING (tenant_id, gateway, currency)
    GROUP BY 1, 2, 3
),
written AS (
    INSERT INTO trackai.daily_match_rates
        (tenant_id, day, gateway, currency, conversions, fbc, fbp, email, unmatched, pending,
         value_total, value_matched, p95_match_seconds, computed_at)
    SELECT tenant_id, %(day)s::date, gateway, currency, conversions, fbc, fbp, email, unmatched, coalesce(pending, 0),
           value_total, value_matched, p95_match_seconds, %(now)s
    FROM counted
    ON CONFLICT (tenant_id, day, gateway, currency) DO UPDATE
    SET (conversions, fbc, fbp, email, unmatched, pending, value_total, value_matched, p95_match_seconds,
         computed_at) =
        (excluded.conversions, excluded.fbc, excluded.fbp, excluded.email, excluded.unmatched, excluded.pending,
         excluded.value_total, excluded.value_matched, excluded.p95_match_seconds, excluded.computed_at)
),
removed AS (
    DELETE FROM trackai.daily_match_rates r
    WHERE r.day = %(day)s
      AND NOT EXISTS (
          SELECT 1 FROM counted c
          WHERE c.tenant_id = r.tenant_id AND c.gateway = r.gateway AND c.currency = r.currency
      )
)
SELECT count(*) AS groups,
       coalesce(sum(conversions), 0)::bigint,
       coalesce(sum(fbc), 0)::bigint,
       coalesce(sum(fbp), 0)::bigint,
       coalesce(sum(email), 0)::bigint,
       coalesce(sum(unmatched), 0)::bigint,
       coalesce(sum(pending), 0)::bigint,
       max(p95_match_seconds)
FROM counted
