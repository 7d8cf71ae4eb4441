-- Queues the unmatched sales of these periods to be matched again; each attempt is logged. Returns how many were queued.
-- Indexes: those of changed_sales. Guarantees: safe to repeat; a sale is queued once; a matched one keeps its click.
WITH changed AS MATERIALIZED (
    SELECT given.tenant_id, range_agg(tstzrange(given.since, given.until)) AS periods
    FROM unnest(%(tenant_ids)s::text[], %(since)s::timestamptz[], %(until)s::timestamptz[])
        AS given (tenant_id, since, until)
    GROUP BY given.tenant_id
),
queued AS (
    INSERT INTO trackai.match_queue (tenant_id, conversion_id, cause)
    SELECT c.tenant_id, c.id, 'rematch'
    FROM changed p
    JOIN trackai.conversions c ON c.tenant_id = p.tenant_id AND p.periods @> c.occurred_at
    JOIN trackai.matched_attributions a
        ON a.tenant_id = c.tenant_id AND a.conversion_id = c.id AND a.strategy = 'unmatched'
    WHERE c.occurred_at >= (SELECT min(lower(first.periods)) FROM changed first)
      AND c.occurred_at < (SELECT max(upper(last.periods)) FROM changed last)
    ORDER BY c.tenant_id, c.id
    ON CONFLICT (tenant_id, conversion_id) DO UPDATE SET cause = 'rematch' WHERE match_queue.cause <> 'rematch'
    RETURNING conversion_id
)
SELECT count(*) FROM queued
