-- Copies the entries of creators up to a posting. Index: sales_ledger_by_day.
CREATE TEMPORARY TABLE {entries} ON COMMIT DROP AS
SELECT l.tenant_id, l.user_id, l.sale_day, l.posting_no, l.currency, l.amount, l.units
FROM trackai.sales_ledger l
WHERE l.tenant_id = %(tenant_id)s AND l.user_id = ANY(%(users)s) AND l.posting_no <= %(ledger_upto)s
