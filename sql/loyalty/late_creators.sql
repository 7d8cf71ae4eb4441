-- Creators with an entry that the last evaluation did not know, dated between their enrolment and the window that is open:
-- in a window that is closed. Index: sales_ledger by posting_no.
SELECT DISTINCT c.user_id
FROM {entries} e
JOIN {creators} c ON c.tenant_id = e.tenant_id AND c.user_id = e.user_id
WHERE e.tenant_id = %(tenant_id)s AND e.posting_no > %(seen_upto)s AND e.posting_no <= %(ledger_upto)s
  AND c.window_start < %(day)s::date AND (c.left_on IS NULL OR c.left_on > %(day)s::date)
  AND e.sale_day >= c.enrolled_on AND e.sale_day < c.window_start
  -- A tier that can only rise is not looked for where there is none above.
  AND (%(both_ways)s OR c.current_tier <> %(highest_tier)s)
