-- Adds the sales of %(users)s users that happened from the UTC day %(since)s to before %(until)s, of %(sales)s that happen evenly
-- over 28 days and are numbered as they do, each linked and attributed. Nine in ten buyers came in the fourteen days before, the
-- others come later.
WITH sold AS MATERIALIZED (
    SELECT s.n, timestamptz '2026-01-01 00:00Z' + x.at * interval '672 hours' AS at,
           floor(
               %(users)s * CASE
                   WHEN benchmark.chance(s.n, 21) < 0.92 THEN x.at - benchmark.chance(s.n, 22) * least(x.at, 0.5)
                   ELSE x.at + benchmark.chance(s.n, 22) * least(1 - x.at, 0.18)
               END
           )::bigint AS user_number
    FROM generate_series(1::bigint, %(sales)s::bigint) AS s (n)
    CROSS JOIN LATERAL (SELECT (s.n - benchmark.chance(s.n, 20)) / %(sales)s AS at) x
),
due AS MATERIALIZED (
    SELECT s.n, s.at, 'user-' || lpad((s.user_number * 7919 %% %(users)s)::text, 8, '0') AS user_id, s.user_number
    FROM sold s
    WHERE s.at >= %(since)s AND s.at < %(until)s
    ORDER BY s.at
),
sales AS (
    INSERT INTO trackai.conversions
        (tenant_id, id, gateway, gateway_event_id, order_id, value, currency, occurred_at, created_at, customer_email_hash)
    SELECT 'cm2tests00000000000000000', d.n, 'stripe', 'evt_' || md5('event ' || d.n::text), 'HP' || lpad(d.n::text, 12, '0'),
           round((9 + 990 * benchmark.chance(d.n, 23))::numeric, 2), 'BRL', d.at, d.at + interval '30 seconds',
           md5(d.user_number::text) || md5('address ' || d.user_number::text)
    FROM due d
),
links AS (
    INSERT INTO trackai.user_conversions (tenant_id, conversion_id, user_id, linked_by, linked_at)
    SELECT 'cm2tests00000000000000000', d.n, d.user_id, 'email', d.at + interval '30 seconds'
    FROM due d
)
INSERT INTO trackai.matched_attributions (tenant_id, conversion_id, strategy, matched_at, attempts)
SELECT 'cm2tests00000000000000000', d.n,
       CASE WHEN benchmark.chance(d.n, 24) < 0.75 THEN 'fbc' WHEN benchmark.chance(d.n, 24) < 0.9 THEN 'fbp' ELSE 'unmatched' END,
       d.at + interval '1 minute', 1
FROM due d
