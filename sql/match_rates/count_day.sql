-- Counts the conversions of one UTC day by tenant, gateway, currency, strategy and how long they waited, into a table
-- of the session's own. It is a statement of its own, because one that also writes elsewhere gets no parallel workers.
-- Indexes: conversions_by_day, refunds_by_conversion and the primary key of matched_attributions; scans where the day is
-- most of the table.
-- Guarantees: every conversion of the day is counted once, and so is every refund of one, in rows without a bucket.
-- Refunds in the sale's currency count, at most as much as it was worth.
-- Waits are counted in buckets (32 to a doubling, from a millisecond) with their ends: an exact percentile has to sort
-- the whole day, which takes longer than everything else.
-- Events without a currency are counted under XXX, ISO 4217's code for none; one without a value adds nothing.
CREATE TEMPORARY TABLE day_counts ON COMMIT DROP AS
SELECT s.tenant_id,
       s.gateway,
       s.currency,
       s.strategy,
       floor(32 * ln(greatest(s.waited, 0.001))) AS bucket,
       min(s.waited) AS shortest,
       max(s.waited) AS longest,
       count(*) AS conversions,
       coalesce(sum(s.value), 0) AS value,
       0::bigint AS refunds,
       0::numeric AS refunded
FROM (
    SELECT c.tenant_id, c.gateway, coalesce(c.currency, 'XXX') AS currency, c.value, a.strategy,
           date_part('epoch', a.matched_at - c.created_at) AS waited
    FROM trackai.conversions c
    LEFT JOIN trackai.matched_attributions a ON a.tenant_id = c.tenant_id AND a.conversion_id = c.id
    WHERE c.occurred_at >= %(day)s::date::timestamp AT TIME ZONE 'UTC'
      AND c.occurred_at < (%(day)s::date + 1)::timestamp AT TIME ZONE 'UTC'
) s
GROUP BY 1, 2, 3, 4, 5
UNION ALL
SELECT s.tenant_id, s.gateway, s.currency, s.strategy, NULL, NULL, NULL, 0, 0, sum(s.refunds)::bigint, sum(s.refunded)
FROM (
    SELECT c.tenant_id, c.gateway, c.currency, a.strategy,
           count(*) AS refunds, least(sum(r.value), coalesce(c.value, 0)) AS refunded
    FROM trackai.refunds r
    JOIN trackai.conversions c ON c.tenant_id = r.tenant_id AND c.id = r.conversion_id
    LEFT JOIN trackai.matched_attributions a ON a.tenant_id = c.tenant_id AND a.conversion_id = c.id
    WHERE c.occurred_at >= %(day)s::date::timestamp AT TIME ZONE 'UTC'
      AND c.occurred_at < (%(day)s::date + 1)::timestamp AT TIME ZONE 'UTC'
      AND r.currency = c.currency
    GROUP BY c.tenant_id, c.id, a.strategy
) s
GROUP BY 1, 2, 3, 4
