-- A tenth of the creators sell on the day before %(day)s, in one posting.
WITH sold AS MATERIALIZED (
    SELECT m.user_id FROM trackai.loyalty_members m
    WHERE m.tenant_id = 'cm2loyal00000000000000000' AND m.user_id LIKE '%%7'
),
days AS (
    INSERT INTO trackai.creator_sales_daily (tenant_id, user_id, sale_day, currency, source, amount, units)
    SELECT 'cm2loyal00000000000000000', s.user_id, %(day)s::date - 1, 'BRL', 'csv', 60, 1 FROM sold s
)
INSERT INTO trackai.sales_ledger
    (tenant_id, posting_no, source, source_ref, user_id, revision, sale_day, amount, units, currency, recorded_at)
SELECT 'cm2loyal00000000000000000', 1, 'csv', 'cruva:' || %(day)s, s.user_id, 1, %(day)s::date - 1, 60, 1, 'BRL', %(day)s::date
FROM sold s
