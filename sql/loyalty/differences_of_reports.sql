-- What is wanted of a tenant's reports less what is posted of them, by sync, day and creator; returns how many differ.
-- The newest figure of an item and day counts, less that of the item's report day before. The first figure of an item
-- counts where it was posted since sales_from; else it is what later ones count against.
-- Indexes: the unique keys of sales_reports, in whose order items are read, and of sales_ledger.
-- Guarantees: the order in which reports arrived makes no difference. Days whose reports began to leave are final.
WITH rules AS MATERIALIZED (
    SELECT valid_from, lead(valid_from, 1, 'infinity') OVER (ORDER BY valid_from) AS valid_to, report_sources,
           coalesce(sales_from, min(valid_from) OVER ()) AS sales_from
    FROM trackai.loyalty_programs
    WHERE tenant_id = %(tenant_id)s AND status <> 'closed'
), final AS MATERIALIZED (
    SELECT coalesce(max(report_day), '-infinity') AS day
    FROM trackai.sales_reports
    WHERE tenant_id = %(tenant_id)s AND previous_day IS NOT NULL
), stated AS (
    SELECT source, item, report_day, basis, post_date, user_id, amount, units, currency,
           lead(report_day) OVER (PARTITION BY source, item ORDER BY report_day, as_of) AS next_day
    FROM trackai.sales_reports
    WHERE tenant_id = %(tenant_id)s
), figures AS (
    SELECT source, report_day, basis, post_date, user_id, amount, units, currency,
           lag(amount) OVER item AS amount_before, lag(units) OVER item AS units_before, lag(currency) OVER item AS currency_before
    FROM stated
    WHERE next_day IS DISTINCT FROM report_day
    WINDOW item AS (PARTITION BY source, item ORDER BY report_day)
), wanted AS (
    SELECT f.source || ':' || f.report_day AS source_ref, f.user_id, f.report_day, f.currency,
           sum(CASE WHEN f.basis = 'daily' THEN f.amount
                    WHEN f.currency_before = f.currency THEN f.amount - f.amount_before
                    WHEN f.post_date >= r.sales_from THEN f.amount ELSE 0 END) AS amount,
           sum(CASE WHEN f.basis = 'daily' THEN f.units
                    WHEN f.currency_before = f.currency THEN f.units - f.units_before
                    WHEN f.post_date >= r.sales_from THEN f.units ELSE 0 END) AS units
    FROM figures f
    JOIN rules r ON f.report_day >= r.valid_from AND f.report_day < r.valid_to AND f.source = ANY (r.report_sources)
    WHERE f.user_id IS NOT NULL AND f.report_day > (SELECT day FROM final)
    GROUP BY f.source, f.report_day, f.user_id, f.currency
), differences AS (
    SELECT x.source_ref, x.user_id, max(x.revision) AS revision, x.report_day, x.currency, sum(x.amount) AS amount, sum(x.units) AS units
    FROM (
        SELECT source_ref, user_id, 0 AS revision, report_day, currency, amount, units FROM wanted
        UNION ALL
        SELECT l.source_ref, l.user_id, l.revision, l.sale_day, l.currency, -l.amount, -l.units
        FROM trackai.sales_ledger l
        WHERE l.tenant_id = %(tenant_id)s AND l.source = 'csv' AND l.sale_day > (SELECT day FROM final)
    ) x
    GROUP BY x.source_ref, x.user_id, x.report_day, x.currency
    HAVING sum(x.amount) <> 0 OR sum(x.units) <> 0
), staged AS (
    INSERT INTO pg_temp.ledger_differences (source, source_ref, user_id, revision, sale_day, amount, units, currency)
    SELECT 'csv', d.source_ref, d.user_id,
           coalesce((
               SELECT max(l.revision) FROM trackai.sales_ledger l
               WHERE l.tenant_id = %(tenant_id)s AND l.source = 'csv' AND l.source_ref = d.source_ref AND l.user_id = d.user_id
           ), 0) + row_number() OVER (PARTITION BY d.source_ref, d.user_id ORDER BY d.currency),
           d.report_day, d.amount, d.units, d.currency
    FROM differences d
    RETURNING 1
)
SELECT count(*) FROM staged
