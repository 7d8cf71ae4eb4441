-- Takes out of the staged reports what contradicts the reports that are there, or an earlier line, and keeps it in
-- ingest_rejects with the reason: another figure of one item, day and as_of; another basis or currency than the item has; a
-- day that is final. What is there already stays staged, and is left out by the insert.
-- Indexes: sales_reports' unique key, sales_reports_final.
WITH judged AS MATERIALIZED (
    SELECT s.ctid AS place, s.tenant_id, s.file, s.line, s.item, s.report_day, s.as_of, s.amount, s.units,
           CASE
               WHEN (s.amount, s.units) IS DISTINCT FROM (coalesce(t.amount, s.first_amount), coalesce(t.units, s.first_units))
                   THEN 'another figure of this item and day is there with the same as_of'
               WHEN s.basis <> coalesce(i.basis, s.first_basis) THEN 'the item is reported as ' || coalesce(i.basis, s.first_basis) || '; it cannot change its basis'
               WHEN s.currency <> coalesce(i.currency, s.first_currency) THEN 'the item is reported in ' || coalesce(i.currency, s.first_currency) || '; it cannot change its currency'
               WHEN s.report_day <= f.day THEN 'days up to ' || f.day || ' are final: their reports have begun to leave'
           END AS reason
    FROM (
        SELECT ctid, *, first_value(amount) OVER same AS first_amount, first_value(units) OVER same AS first_units,
               first_value(basis) OVER of_item AS first_basis, first_value(currency) OVER of_item AS first_currency
        FROM pg_temp.staged_sales_reports
        WINDOW same AS (PARTITION BY tenant_id, source, item, report_day, as_of ORDER BY line),
               of_item AS (PARTITION BY tenant_id, source, item ORDER BY line)
    ) s
    LEFT JOIN trackai.sales_reports t
        ON t.tenant_id = s.tenant_id AND t.source = s.source AND t.item = s.item AND t.report_day = s.report_day AND t.as_of = s.as_of
    LEFT JOIN LATERAL (
        SELECT r.basis, r.currency FROM trackai.sales_reports r
        WHERE r.tenant_id = s.tenant_id AND r.source = s.source AND r.item = s.item
        LIMIT 1
    ) i ON true
    LEFT JOIN LATERAL (
        SELECT max(r.report_day) AS day FROM trackai.sales_reports r
        WHERE r.tenant_id = s.tenant_id AND r.previous_day IS NOT NULL
    ) f ON t.amount IS NULL
), kept AS (
    INSERT INTO trackai.ingest_rejects (tenant_id, source, line, payload, reason, digest, created_at)
    SELECT j.tenant_id, coalesce(j.file, ''), coalesce(j.line, 0),
           jsonb_build_object('item', j.item, 'report_day', j.report_day, 'as_of', j.as_of, 'amount', j.amount, 'units', j.units),
           j.reason,
           encode(sha256(convert_to(concat_ws('|', j.item, j.report_day, j.as_of AT TIME ZONE 'UTC', j.amount, j.units), 'UTF8')), 'hex'),
           %(now)s
    FROM judged j
    WHERE j.reason IS NOT NULL
    ORDER BY j.line
    ON CONFLICT (source, line, digest) DO NOTHING
    RETURNING 1
)
DELETE FROM pg_temp.staged_sales_reports s
USING judged j
WHERE s.ctid = j.place AND j.reason IS NOT NULL AND (SELECT count(*) FROM kept) >= 0
