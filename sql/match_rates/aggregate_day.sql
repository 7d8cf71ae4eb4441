-- Recomputes daily_match_rates of one UTC day from the conversions that happened on it, and removes groups that
-- are no more. Answers with the day's totals, one row.
-- Indexes: conversions_by_day, matched_attributions' primary key, daily_match_rates_by_day. The caller holds the
-- day's lock, so that two runs do not meet.
-- Guarantees: same facts, same rows, however often it runs; every conversion of the day is counted once.
WITH counted AS MATERIALIZED (
    SELECT c.tenant_id,
           c.gateway,
           c.currency,
           count(*) AS conversions,
           count(*) FILTER (WHERE a.strategy = 'fbc') AS fbc,
           count(*) FILTER (WHERE a.strategy = 'fbp') AS fbp,
           count(*) FILTER (WHERE a.strategy = 'email') AS email,
           count(*) FILTER (WHERE a.strategy = 'unmatched') AS unmatched,
           count(*) FILTER (WHERE a.strategy IS NULL) AS pending,
           sum(c.value) AS value_total,
           coalesce(sum(c.value) FILTER (WHERE a.strategy <> 'unmatched'), 0) AS value_matched,
           percentile_cont(0.95) WITHIN GROUP (ORDER BY extract(epoch FROM a.matched_at - c.created_at)::float8)
               FILTER (WHERE a.strategy IS NOT NULL) AS p95_match_seconds
    FROM trackai.conversions c
    LEFT JOIN trackai.matched_attributions a ON a.tenant_id = c.tenant_id AND a.conversion_id = c.id
    WHERE c.occurred_at >= %(day)s::date::timestamp AT TIME ZONE 'UTC'
      AND c.occurred_at < (%(day)s::date + 1)::timestamp AT TIME ZONE 'UTC'
    GROUP BY c.tenant_id, c.gateway, c.currency
),
written AS (
    INSERT INTO trackai.daily_match_rates
        (tenant_id, day, gateway, currency, conversions, fbc, fbp, email, unmatched, pending,
         value_total, value_matched, p95_match_seconds, computed_at)
    SELECT tenant_id, %(day)s::date, gateway, currency, conversions, fbc, fbp, email, unmatched, pending,
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
