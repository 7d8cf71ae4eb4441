-- Gives staged conversions without a click id of Meta's the keys of the click that they name by its external_id, in
-- whatever field their gateway lets through. Of several names the first that is a click's counts; a click without keys
-- gives none. Index: clicks' UNIQUE (tenant_id, external_id). OFFSET 0 keeps each look-up whole.
WITH named AS MATERIALIZED (
    SELECT DISTINCT ON (w.tenant_id, w.gateway, w.gateway_event_id)
        w.tenant_id,
        w.gateway,
        w.gateway_event_id,
        k.fbclid,
        k.fbc,
        k.fbp
    FROM unnest(%(tenant_id)s::text[], %(gateway)s::text[], %(gateway_event_id)s::text[], %(name)s::text[])
        WITH ORDINALITY AS w (tenant_id, gateway, gateway_event_id, name, place)
    CROSS JOIN LATERAL (
        SELECT k.fbclid, k.fbc, k.fbp
        FROM trackai.clicks k
        WHERE k.tenant_id = w.tenant_id AND k.external_id = w.name
        OFFSET 0
    ) k
    ORDER BY w.tenant_id, w.gateway, w.gateway_event_id, w.place
)
UPDATE pg_temp.staged_conversions s
SET fbclid = n.fbclid,
    fbc = n.fbc,
    fbp = coalesce(s.fbp, n.fbp)
FROM named n
WHERE s.tenant_id = n.tenant_id AND s.gateway = n.gateway AND s.gateway_event_id = n.gateway_event_id
  AND s.fbclid IS NULL AND s.fbc IS NULL
