-- Adds a tenant with %(creators)s creators, each with a report of one video on %(days)s days, as a sync's files bring them.
WITH tenant AS (
    INSERT INTO trackai.tenants (id, slug, name) VALUES ('posts', 'shop-posts', 'Shop with a sync')
    ON CONFLICT DO NOTHING
), program AS (
    INSERT INTO trackai.loyalty_programs (tenant_id, valid_from, currency, report_sources, auto_enrol, status)
    VALUES ('posts', '2025-01-01', 'BRL', '{cruva}', false, 'active')
    ON CONFLICT DO NOTHING
), creators AS (
    INSERT INTO trackai.users (tenant_id, id)
    SELECT 'posts', 'creator-' || n FROM generate_series(1, %(creators)s) n
    ON CONFLICT DO NOTHING
), members AS (
    INSERT INTO trackai.loyalty_members (tenant_id, user_id, enrolled_on)
    SELECT 'posts', 'creator-' || n, '2025-01-01' FROM generate_series(1, %(creators)s) n
    ON CONFLICT DO NOTHING
), aliases AS (
    INSERT INTO trackai.creator_aliases (tenant_id, kind, alias, valid_from, user_id)
    SELECT 'posts', 'tiktok', 'handle' || n, '2025-01-01', 'creator-' || n
    FROM generate_series(1, %(creators)s) n
    ON CONFLICT DO NOTHING
)
INSERT INTO trackai.sales_reports
    (tenant_id, source, item, handle, user_id, report_day, post_date, as_of, amount, units, currency)
SELECT 'posts', 'cruva', (7300000000000000000 + n)::text, 'handle' || n, 'creator-' || n,
       '2026-01-01'::date + d, '2026-01-01', '2026-01-02'::timestamptz + d * interval '1 day', 10 * (d + 1), d + 1, 'BRL'
FROM generate_series(0, %(days)s - 1) d, generate_series(1, %(creators)s) n
ON CONFLICT DO NOTHING
