-- Adds the staged entries of a tenant to creator_sales_daily; returns how many rows it wrote.
-- Index: its primary key, in whose order rows are written.
WITH written AS (
    INSERT INTO trackai.creator_sales_daily AS c (tenant_id, user_id, sale_day, currency, source, amount, units, created_at, updated_at)
    SELECT %(tenant_id)s, d.user_id, d.sale_day, d.currency, d.source, sum(d.amount), sum(d.units), %(now)s, %(now)s
    FROM pg_temp.ledger_differences d
    GROUP BY d.user_id, d.sale_day, d.currency, d.source
    ORDER BY d.user_id, d.sale_day, d.currency, d.source
    ON CONFLICT (tenant_id, user_id, sale_day, currency, source) DO UPDATE
    SET amount = c.amount + excluded.amount, units = c.units + excluded.units, updated_at = excluded.updated_at
    RETURNING 1
)
SELECT count(*) FROM written
