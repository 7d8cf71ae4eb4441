-- Fills in click_id of identities whose producer named the click by its external_id, once both are here.
-- It covers both sides: arrived clicks that an identity waits for, and arrived identities whose click is there.
-- Returns the identities that it linked.
-- Indexes: primary keys (the arrived ranges), identities_waiting_for_click, clicks' (tenant_id, external_id).
WITH arrived AS (
    SELECT * FROM unnest(%(tenant_ids)s::text[], %(facts)s::text[], %(first_ids)s::bigint[], %(last_ids)s::bigint[])
        AS a (tenant_id, fact, first_id, last_id)
),
found AS (
    SELECT i.tenant_id, i.id, k.id AS click_id
    FROM arrived a
    JOIN trackai.clicks k ON k.tenant_id = a.tenant_id AND k.id BETWEEN a.first_id AND a.last_id
    JOIN trackai.identities i ON i.tenant_id = k.tenant_id AND i.click_external_id = k.external_id
    WHERE a.fact = 'click' AND i.click_id IS NULL
    UNION
    SELECT i.tenant_id, i.id, k.id
    FROM arrived a
    JOIN trackai.identities i ON i.tenant_id = a.tenant_id AND i.id BETWEEN a.first_id AND a.last_id
    JOIN trackai.clicks k ON k.tenant_id = i.tenant_id AND k.external_id = i.click_external_id
    WHERE a.fact = 'identity' AND i.click_id IS NULL
)
UPDATE trackai.identities i
SET click_id = f.click_id
FROM found f
WHERE i.tenant_id = f.tenant_id AND i.id = f.id AND i.click_id IS NULL
RETURNING i.tenant_id, i.id
