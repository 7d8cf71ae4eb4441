-- Writes daily_match_rates of one UTC day from what match_rates/count_day counted, and removes groups that are gone.
-- Returns the day's totals in one row.
-- Indexes: daily_match_rates_by_day and its primary key. The caller holds the day's lock, which keeps two runs apart.
-- Guarantees: the same facts make the same rows, however often it runs. The percentile is exact where the waits next to
-- it are an end of their bucket, and otherwise interpolated between the ends: the error is at most the width of a
-- bucket, three per cent, or a millisecond in the first one.
WITH waits AS (
    SELECT d.tenant_id, d.gateway, d.currency, d.bucket,
           min(d.shortest) AS shortest, max(d.longest) AS longest, sum(d.conversions) AS conversions
    FROM day_counts d
    WHERE d.strategy IS NOT NULL AND d.bucket IS NOT NULL
    GROUP BY 1, 2, 3, 4
),
placed AS (
    -- Ranks in order of waiting, from 0: the first of a bucket, and that of the percentile, which may lie between two.
    SELECT w.tenant_id, w.gateway, w.currency, w.shortest, w.longest, w.conversions,
           (sum(w.conversions) OVER (of_group ORDER BY w.bucket) - w.conversions)::float8 AS first,
           (0.95 * (sum(w.conversions) OVER of_group - 1))::float8 AS place
    FROM waits w
    WINDOW of_group AS (PARTITION BY w.tenant_id, w.gateway, w.currency)
),
percentiles AS (
    SELECT p.tenant_id, p.gateway, p.currency,
           sum(
               neighbour.share
               * (p.shortest + (p.longest - p.shortest) * (neighbour.place - p.first) / greatest(p.conversions - 1, 1))
           ) AS p95_match_seconds
    FROM placed p
    CROSS JOIN LATERAL (VALUES
        (floor(p.place), 1 - (p.place - floor(p.place))),
        (floor(p.place) + 1, p.place - floor(p.place))
    ) AS neighbour (place, share)
    WHERE neighbour.place >= p.first AND neighbour.place < p.first + p.conversions
    GROUP BY 1, 2, 3
),
counted AS MATERIALIZED (
    SELECT d.tenant_id, d.gateway, d.currency,
           sum(d.conversions)::bigint AS conversions,
           coalesce(sum(d.conversions) FILTER (WHERE d.strategy = 'fbc'), 0)::bigint AS fbc,
           coalesce(sum(d.conversions) FILTER (WHERE d.strategy = 'fbp'), 0)::bigint AS fbp,
           coalesce(sum(d.conversions) FILTER (WHERE d.strategy = 'email'), 0)::bigint AS email,
           coalesce(sum(d.conversions) FILTER (WHERE d.strategy = 'unmatched'), 0)::bigint AS unmatched,
           coalesce(sum(d.conversions) FILTER (WHERE d.strategy IS NULL), 0)::bigint AS pending,
           sum(d.value) AS value_total,
           coalesce(sum(d.value) FILTER (WHERE d.strategy <> 'unmatched'), 0) AS value_matched,
           max(p.p95_match_seconds) AS p95_match_seconds,
           sum(d.refunds)::bigint AS refunds,
           sum(d.refunded) AS refunded_total,
           coalesce(sum(d.refunded) FILTER (WHERE d.strategy <> 'unmatched'), 0) AS refunded_matched
    FROM day_counts d
    LEFT JOIN percentiles p USING (tenant_id, gateway, currency)
    GROUP BY 1, 2, 3
),
written AS (
    INSERT INTO trackai.daily_match_rates
        (tenant_id, day, gateway, currency, conversions, fbc, fbp, email, unmatched, pending,
         value_total, value_matched, p95_match_seconds, refunds, refunded_total, refunded_matched, computed_at)
    SELECT tenant_id, %(day)s::date, gateway, currency, conversions, fbc, fbp, email, unmatched, pending,
           value_total, value_matched, p95_match_seconds, refunds, refunded_total, refunded_matched, %(now)s
    FROM counted
    ON CONFLICT (tenant_id, day, gateway, currency) DO UPDATE
    SET (conversions, fbc, fbp, email, unmatched, pending, value_total, value_matched, p95_match_seconds,
         refunds, refunded_total, refunded_matched, computed_at) =
        (excluded.conversions, excluded.fbc, excluded.fbp, excluded.email, excluded.unmatched, excluded.pending,
         excluded.value_total, excluded.value_matched, excluded.p95_match_seconds, excluded.refunds,
         excluded.refunded_total, excluded.refunded_matched, excluded.computed_at)
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
       coalesce(sum(conversions), 0)::bigint AS conversions,
       coalesce(sum(fbc), 0)::bigint AS fbc,
       coalesce(sum(fbp), 0)::bigint AS fbp,
       coalesce(sum(email), 0)::bigint AS email,
       coalesce(sum(unmatched), 0)::bigint AS unmatched,
       coalesce(sum(pending), 0)::bigint AS pending,
       max(p95_match_seconds) AS p95_match_seconds,
       coalesce(sum(refunds), 0)::bigint AS refunds,
       (SELECT coalesce(jsonb_object_agg(v.currency, jsonb_build_array(v.gross::text, v.refunded::text)), '{}')
        FROM (
            SELECT currency, sum(value_total) AS gross, sum(refunded_total) AS refunded FROM counted GROUP BY currency
        ) v) AS value_by_currency
FROM counted
