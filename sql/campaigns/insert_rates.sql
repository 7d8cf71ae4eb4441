-- Staged rates of exchange become rows of fx_rates. One that is there already keeps its row, whose times may move;
-- returns how many are new. Any order of files, and loading one twice, gives the same rows.
-- Index: the primary key, in whose order rows are written, so two loaders lock them in one order.
WITH stated AS (
    SELECT tenant_id, day, base, quote, digest, rate, source,
           min(last_stated_at) AS first_stated_at, max(last_stated_at) AS last_stated_at
    FROM pg_temp.staged_fx_rates
    GROUP BY tenant_id, day, base, quote, digest, rate, source
), moved AS (
    INSERT INTO trackai.fx_rates AS f
        (tenant_id, day, base, quote, digest, rate, source, first_stated_at, last_stated_at, ingested_at)
    SELECT tenant_id, day, base, quote, digest, rate, source, first_stated_at, last_stated_at, %(now)s
    FROM stated
    ORDER BY tenant_id, day, base, quote, digest
    ON CONFLICT (tenant_id, day, base, quote, digest) DO UPDATE
    SET first_stated_at = least(f.first_stated_at, excluded.first_stated_at),
        last_stated_at = greatest(f.last_stated_at, excluded.last_stated_at),
        ingested_at = excluded.ingested_at
    WHERE excluded.first_stated_at < f.first_stated_at OR excluded.last_stated_at > f.last_stated_at
    -- A row that was there has the number of the transaction that changes it.
    RETURNING f.xmax = 0 AS new
)
SELECT count(*) FILTER (WHERE new) FROM moved
