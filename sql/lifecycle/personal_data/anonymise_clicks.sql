-- Makes clicks less precise: the address becomes its network, the user agent the family of the browser. Click and browser
-- ids stay, because matches are explained by them. Index: clicks' primary key.
UPDATE trackai.clicks k
SET ip = trackai.network_of(k.ip),
    user_agent = t.family,
    anonymised_at = %(now)s
FROM unnest(%(tenant_ids)s::text[], %(ids)s::bigint[], %(families)s::text[]) AS t (tenant_id, id, family)
WHERE k.tenant_id = t.tenant_id AND k.id = t.id
