-- Takes noted arrivals of clicks and identities, tenant by tenant, up to about %(facts)s comparisons, and returns each
-- with the way to compare it. The caller compares them in the same transaction; if it dies, the notes come back.
-- The triggers clicks_are_noted and identities_are_noted (sql/schema.sql) note each insert.
-- What can wait for a click: a conversion for its click key or its browser key, an identity for its click. They are
-- counted up to the tenant's arrived clicks:
--   nothing  none waits, so there is nothing to compare: no click is read
--   waiting  fewer wait than clicks arrived: each that waits looks for its clicks
--   arrived  each arrived fact looks for what waits for it
-- So a note costs as many comparisons as the smaller side has, at least one. LIMIT counts them: a note is repeated as
-- often as it costs, and rows are locked no further than the limit goes. OFFSET 0 counts what waits once a tenant.
-- Indexes: fact_arrivals' primary key, walked by skipping from tenant to tenant; open_click_keys, open_browser_keys,
-- identities_waiting_for_click.
-- Guarantees: no two workers get the same note (SKIP LOCKED). What starts to wait after this snapshot sees the clicks
-- of these notes by itself: a conversion in its second look, an identity when its own note is compared.
WITH RECURSIVE noted (tenant_id) AS (
    (SELECT a.tenant_id FROM trackai.fact_arrivals a ORDER BY a.tenant_id LIMIT 1)
    UNION ALL
    SELECT (SELECT a.tenant_id FROM trackai.fact_arrivals a
            WHERE a.tenant_id > n.tenant_id ORDER BY a.tenant_id LIMIT 1)
    FROM noted n
    WHERE n.tenant_id IS NOT NULL
),
picked AS MATERIALIZED (
    SELECT note.place, open.waiting
    FROM noted n
    CROSS JOIN LATERAL (
        SELECT least(sum(a.facts), %(facts)s)::bigint AS clicks
        FROM (
            SELECT a.facts FROM trackai.fact_arrivals a
            WHERE a.tenant_id = n.tenant_id AND a.fact = 'click' ORDER BY a.id LIMIT 100
        ) a
    ) arrived
    CROSS JOIN LATERAL (
        SELECT (
            SELECT count(*) FROM (
                SELECT FROM trackai.matched_attributions m
                WHERE m.tenant_id = n.tenant_id AND m.open_click_key IS NOT NULL
                ORDER BY m.open_click_key LIMIT arrived.clicks
            ) by_click
        ) + (
            SELECT count(*) FROM (
                SELECT FROM trackai.matched_attributions m
                WHERE m.tenant_id = n.tenant_id AND m.open_browser_key IS NOT NULL
                ORDER BY m.open_browser_key LIMIT arrived.clicks
            ) by_browser
        ) + (
            SELECT count(*) FROM (
                SELECT FROM trackai.identities i
                WHERE i.tenant_id = n.tenant_id AND i.click_id IS NULL AND i.click_external_id IS NOT NULL
                ORDER BY i.click_external_id LIMIT arrived.clicks
            ) by_external_id
        ) AS waiting
        OFFSET 0
    ) open
    CROSS JOIN LATERAL (
        SELECT a.ctid AS place,
               CASE WHEN a.fact = 'click' THEN greatest(1, least(a.facts, open.waiting)) ELSE a.facts END AS cost
        FROM trackai.fact_arrivals a
        WHERE a.tenant_id = n.tenant_id
        ORDER BY a.id
        LIMIT %(facts)s
        FOR UPDATE SKIP LOCKED
    ) note
    CROSS JOIN LATERAL generate_series(1, note.cost)
    LIMIT %(facts)s
),
taken AS (
    DELETE FROM trackai.fact_arrivals a
    USING (SELECT p.place, min(p.waiting) AS waiting FROM picked p GROUP BY p.place) p
    WHERE a.ctid = p.place
    RETURNING a.tenant_id, a.fact, a.first_id, a.last_id, a.facts, p.waiting
)
SELECT t.tenant_id,
       t.fact,
       t.first_id,
       t.last_id,
       CASE
           WHEN t.fact = 'identity' THEN 'arrived'
           WHEN t.waiting = 0 THEN 'nothing'
           WHEN t.waiting < least(
               %(facts)s, sum(t.facts) FILTER (WHERE t.fact = 'click') OVER (PARTITION BY t.tenant_id)
           ) THEN 'waiting'
           ELSE 'arrived'
       END AS compare
FROM taken t
