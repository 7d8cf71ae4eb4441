-- Fills in click_id of identities whose producer named the click by its external_id, once both are here. It covers both
-- sides: arrived clicks that an identity waits for, and arrived identities whose click is there; of the tenants
-- %(awaiting)s all identities that wait for a click. Returns the identities that it linked.
-- Indexes: primary keys (the arrived ranges), identities_waiting_for_click, clicks' (tenant_id, external_id). OFFSET 0
-- and ORDER BY: see find_late. What was found has a click: a condition on both sides keeps the planner from beginning with
-- all identities that wait, of which it knows none where the table was analysed when all were linked.
WITH arrived AS MATERIALIZED (
    SELECT *
    FROM unnest(%(tenant_ids)s::text[], %(facts)s::text[], %(first_ids)s::bigint[], %(last_ids)s::bigint[])
        AS a (tenant_id, fact, first_id, last_id)
),
waiting AS (
    SELECT i.tenant_id, i.id, i.click_external_id
    FROM arrived a
    CROSS JOIN LATERAL (
        SELECT i.tenant_id, i.id, i.click_external_id
        FROM trackai.identities i
        WHERE i.tenant_id = a.tenant_id AND i.id BETWEEN a.first_id AND a.last_id AND i.click_id IS NULL
        ORDER BY i.id
        OFFSET 0
    ) i
    WHERE a.fact = 'identity'
    UNION ALL
    SELECT i.tenant_id, i.id, i.click_external_id
    FROM unnest(%(awaiting)s::text[]) AS a (tenant_id)
    CROSS JOIN LATERAL (
        SELECT i.tenant_id, i.id, i.click_external_id
        FROM trackai.identities i
        WHERE i.tenant_id = a.tenant_id AND i.click_id IS NULL AND i.click_external_id IS NOT NULL
        ORDER BY i.click_external_id
        OFFSET 0
    ) i
),
found AS (
    SELECT i.tenant_id, i.id, k.id AS click_id
    FROM arrived a
    CROSS JOIN LATERAL (
        SELECT k.tenant_id, k.id, k.external_id
        FROM trackai.clicks k
        WHERE k.tenant_id = a.tenant_id AND k.id BETWEEN a.first_id AND a.last_id AND k.external_id IS NOT NULL
        ORDER BY k.id
        OFFSET 0
    ) k
    CROSS JOIN LATERAL (
        SELECT i.tenant_id, i.id
        FROM trackai.identities i
        WHERE i.tenant_id = k.tenant_id
          AND i.click_external_id BETWEEN k.external_id AND k.external_id
          AND i.click_id IS NULL
        ORDER BY i.click_external_id
        OFFSET 0
    ) i
    WHERE a.fact = 'click'
      AND EXISTS (
          SELECT FROM trackai.identities w
          WHERE w.tenant_id = a.tenant_id AND w.click_id IS NULL AND w.click_external_id IS NOT NULL
          OFFSET 0
      )
    UNION
    SELECT w.tenant_id, w.id, k.id
    FROM waiting w
    CROSS JOIN LATERAL (
        SELECT k.id
        FROM trackai.clicks k
        WHERE k.tenant_id = w.tenant_id AND k.external_id BETWEEN w.click_external_id AND w.click_external_id
        ORDER BY k.external_id
        OFFSET 0
    ) k
)
UPDATE trackai.identities i
SET click_id = f.click_id
FROM found f
WHERE i.tenant_id = f.tenant_id AND i.id = f.id AND (i.click_id IS NULL OR f.click_id IS NULL)
RETURNING i.tenant_id, i.id
