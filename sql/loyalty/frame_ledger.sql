-- A tenant's entries of sales of some local days. Index: none; the tenant's entries are read.
SELECT l.posting_no, l.user_id, l.source, l.source_ref, l.revision, l.sale_day, l.amount, l.units, l.currency, l.recorded_at
FROM trackai.sales_ledger l
WHERE l.tenant_id = %(tenant_id)s AND l.sale_day BETWEEN %(from_day)s AND %(to_day)s
ORDER BY l.posting_no, l.user_id, l.source, l.source_ref, l.revision
