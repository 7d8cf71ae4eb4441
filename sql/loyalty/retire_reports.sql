-- Marks a tenant's reports that may leave: those whose item has a newer figure, of a day before %(before)s. The report of that
-- day remembers that there was a figure before it. Returns how many reports were marked.
-- Index: the unique key of sales_reports, in whose order items are read. Guarantees: the newest figure of an item before
-- that day stays, because later ones count against it; repeating it changes nothing.
WITH in_order AS MATERIALIZED (
    SELECT id, report_day,
           min(report_day) OVER (PARTITION BY source, item ORDER BY report_day GROUPS BETWEEN 1 FOLLOWING AND 1 FOLLOWING) AS next_day,
           max(report_day) OVER (PARTITION BY source, item ORDER BY report_day GROUPS BETWEEN 1 PRECEDING AND 1 PRECEDING) AS day_before
    FROM trackai.sales_reports
    WHERE tenant_id = %(tenant_id)s AND report_day < %(before)s
), marked AS (
    UPDATE trackai.sales_reports s
    SET superseded_on = o.next_day, previous_day = coalesce(o.day_before, s.previous_day)
    FROM in_order o
    WHERE s.tenant_id = %(tenant_id)s AND s.id = o.id
      AND (s.superseded_on IS DISTINCT FROM o.next_day OR (o.day_before IS NOT NULL AND s.previous_day IS NULL))
    RETURNING 1
)
SELECT count(*) FROM marked
