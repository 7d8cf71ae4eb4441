-- Posts the staged entries of a tenant, %(size)s to a posting, after posting %(last)s; returns the last number.
-- Index: sales_ledger's unique key, which no other posting of the tenant writes at the same time.
WITH entries AS (
    INSERT INTO trackai.sales_ledger
        (tenant_id, posting_no, source, source_ref, user_id, revision, sale_day, occurred_at, amount, units, currency,
         recorded_at, created_at)
    SELECT %(tenant_id)s, %(last)s + 1 + (d.place - 1) / %(size)s, d.source, d.source_ref, d.user_id, d.revision, d.sale_day,
           d.occurred_at, d.amount, d.units, d.currency, %(now)s, %(now)s
    FROM pg_temp.ledger_differences d
    RETURNING posting_no
)
SELECT max(posting_no) FROM entries
