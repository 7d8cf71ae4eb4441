-- Takes the buyer out of conversions: hashes go, the address becomes its network, the user agent the family of the
-- browser, and of the page's address only the page stays. An unmatched one waits for its e-mail no longer. Click and
-- browser ids stay, because matches are explained by them. Indexes: primary keys.
WITH taken AS MATERIALIZED (
    SELECT * FROM unnest(%(tenant_ids)s::text[], %(ids)s::bigint[], %(families)s::text[]) AS t (tenant_id, id, family)
),
waiting AS (
    UPDATE trackai.matched_attributions a
    SET open_email_key = NULL
    FROM taken t
    WHERE a.tenant_id = t.tenant_id AND a.conversion_id = t.id AND a.open_email_key IS NOT NULL
)
UPDATE trackai.conversions c
SET customer_email_hash = NULL,
    customer_phone_hash = NULL,
    customer_information = NULL,
    client_ip = trackai.network_of(c.client_ip),
    client_user_agent = t.family,
    event_source_url = nullif(substring(c.event_source_url from '^[^?#]*'), ''),
    anonymised_at = %(now)s
FROM taken t
WHERE c.tenant_id = t.tenant_id AND c.id = t.id
