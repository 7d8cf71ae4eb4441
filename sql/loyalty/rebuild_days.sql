-- Makes creator_sales_daily of a tenant from its ledger; returns how many rows were missing, wrong or too many.
-- Index: none, both are read once.
WITH sums AS MATERIALIZED (
    SELECT user_id, sale_day, currency, source, sum(amount) AS amount, sum(units) AS units
    FROM trackai.sales_ledger
    WHERE tenant_id = %(tenant_id)s
    GROUP BY user_id, sale_day, currency, source
), gone AS (
    DELETE FROM trackai.creator_sales_daily c
    WHERE c.tenant_id = %(tenant_id)s
      AND NOT EXISTS (
          SELECT FROM sums s
          WHERE s.user_id = c.user_id AND s.sale_day = c.sale_day AND s.currency = c.currency AND s.source = c.source
      )
    RETURNING 1
), written AS (
    INSERT INTO trackai.creator_sales_daily AS c (tenant_id, user_id, sale_day, currency, source, amount, units, created_at, updated_at)
    SELECT %(tenant_id)s, user_id, sale_day, currency, source, amount, units, %(now)s, %(now)s
    FROM sums
    ORDER BY user_id, sale_day, currency, source
    ON CONFLICT (tenant_id, user_id, sale_day, currency, source) DO UPDATE
    SET amount = excluded.amount, units = excluded.units, updated_at = excluded.updated_at
    WHERE (c.amount, c.units) IS DISTINCT FROM (excluded.amount, excluded.units)
    RETURNING 1
)
SELECT (SELECT count(*) FROM gone) + (SELECT count(*) FROM written)
