-- Adds what the sample's sync said of its creators' days.
INSERT INTO trackai.sales_reports
    (tenant_id, source, item, handle, basis, report_day, as_of, amount, units, currency, received_at)
SELECT %(tenant_id)s, 'cruva', '@' || r.handle, r.handle, 'daily', r.day, %(now)s, r.amount, sign(r.amount)::int, 'BRL', %(now)s
FROM unnest(%(handles)s::text[], %(days)s::date[], %(amounts)s::numeric[]) AS r (handle, day, amount)
