-- Creators whose tier, window or sums can differ from those of the day before: they sold the day before, an entry of
-- theirs is new, a negative one leaves the climb, their window is over, or their tier is set by hand today.
-- Indexes: creator_sales_daily_by_day, sales_ledger by posting_no; the creators of the tenant are read once.
SELECT c.user_id FROM {creators} c WHERE c.tenant_id = %(tenant_id)s AND c.window_end <= %(day)s::date
UNION
SELECT d.user_id FROM {sales} d WHERE d.tenant_id = %(tenant_id)s AND d.sale_day = %(day)s::date - 1
UNION
SELECT d.user_id
FROM {sales} d
WHERE d.tenant_id = %(tenant_id)s AND d.sale_day >= (%(day)s::date - 1 - make_interval(months => %(months)s::int))::date
  AND d.sale_day < (%(day)s::date - make_interval(months => %(months)s::int))::date AND (d.amount < 0 OR d.units < 0)
UNION
SELECT e.user_id
FROM {entries} e
WHERE e.tenant_id = %(tenant_id)s AND e.posting_no > %(seen_upto)s AND e.posting_no <= %(ledger_upto)s
UNION
SELECT u.user_id FROM unnest(%(set_users)s::text[]) AS u (user_id)
