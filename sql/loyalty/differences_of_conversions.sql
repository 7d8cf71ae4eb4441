-- What is wanted of a tenant's conversions less what is posted of them; returns how many differ. A matched conversion is
-- the creator's whose link code its click has on the day of the sale, or, where buyers earn, the member's who bought.
-- Posted ones move when the code is another creator's, and go when their gateway is excluded or the match was taken back.
-- Losing the click, the code or the buyer changes nothing.
-- Indexes: the primary keys of conversions, matched_attributions, clicks and user_conversions; sales_ledger's unique key.
-- Guarantees: the day of a posted sale stays as it was.
WITH rules AS MATERIALIZED (
    SELECT valid_from, time_zone, credit_field, excluded_gateways, status = 'closed' AS closed,
           lead(valid_from) OVER in_order AS next_from, lead(time_zone) OVER in_order AS next_zone
    FROM trackai.loyalty_programs
    WHERE tenant_id = %(tenant_id)s
    WINDOW in_order AS (ORDER BY valid_from)
), links AS MATERIALIZED (
    SELECT alias, user_id, valid_from, lead(valid_from, 1, 'infinity') OVER (PARTITION BY alias ORDER BY valid_from) AS valid_to
    FROM trackai.creator_aliases
    WHERE tenant_id = %(tenant_id)s AND kind = 'link'
), sales AS MATERIALIZED (
    SELECT c.id, c.gateway || ':' || c.gateway_event_id AS source_ref, c.occurred_at,
           (c.occurred_at AT TIME ZONE r.time_zone)::date AS sale_day,
           coalesce(c.value, 0) AS amount, coalesce(c.currency::text, 'XXX') AS currency,
           a.click_id, r.credit_field,
           a.strategy = 'unmatched' OR r.closed OR c.gateway = ANY (r.excluded_gateways) AS refused
    FROM trackai.matched_attributions a
    JOIN trackai.conversions c ON c.tenant_id = a.tenant_id AND c.id = a.conversion_id
    JOIN rules r ON (c.occurred_at AT TIME ZONE r.time_zone)::date >= r.valid_from
        AND (r.next_from IS NULL OR (c.occurred_at AT TIME ZONE r.next_zone)::date < r.next_from)
    WHERE a.tenant_id = %(tenant_id)s
), whose AS MATERIALIZED (
    SELECT s.source_ref, p.user_id, s.sale_day, s.occurred_at, s.amount, s.currency
    FROM sales s
    JOIN trackai.clicks k ON k.tenant_id = %(tenant_id)s AND k.id = s.click_id
    JOIN links p ON p.alias = btrim(CASE s.credit_field
        WHEN 'utm_content' THEN k.utm_content WHEN 'utm_term' THEN k.utm_term
        WHEN 'utm_source' THEN k.utm_source WHEN 'utm_campaign' THEN k.utm_campaign END) COLLATE "C"
        AND s.sale_day >= p.valid_from AND s.sale_day < p.valid_to
    WHERE s.credit_field <> 'buyer' AND NOT s.refused
    UNION ALL
    SELECT s.source_ref, u.user_id, s.sale_day, s.occurred_at, s.amount, s.currency
    FROM sales s
    JOIN trackai.user_conversions u ON u.tenant_id = %(tenant_id)s AND u.conversion_id = s.id
    JOIN trackai.loyalty_members m ON m.tenant_id = u.tenant_id AND m.user_id = u.user_id
    WHERE s.credit_field = 'buyer' AND NOT s.refused
), decided AS MATERIALIZED (
    SELECT source_ref FROM whose
    UNION ALL
    SELECT source_ref FROM sales WHERE refused
), differences AS (
    SELECT x.source_ref, x.user_id, max(x.revision) AS revision,
           coalesce(min(x.sale_day) FILTER (WHERE x.revision > 0), min(x.sale_day)) AS sale_day,
           min(x.occurred_at) AS occurred_at, x.currency, sum(x.amount) AS amount, sum(x.units) AS units
    FROM (
        SELECT source_ref, user_id, 0 AS revision, sale_day, occurred_at, currency, amount, 1 AS units FROM whose
        UNION ALL
        SELECT l.source_ref, l.user_id, l.revision, l.sale_day, l.occurred_at, l.currency, -l.amount, -l.units
        FROM trackai.sales_ledger l
        WHERE l.tenant_id = %(tenant_id)s AND l.source = 'conversion' AND l.source_ref IN (SELECT source_ref FROM decided)
    ) x
    GROUP BY x.source_ref, x.user_id, x.currency
    HAVING sum(x.amount) <> 0 OR sum(x.units) <> 0
), staged AS (
    INSERT INTO pg_temp.ledger_differences
        (source, source_ref, user_id, revision, sale_day, occurred_at, amount, units, currency)
    SELECT 'conversion', source_ref, user_id, revision + 1, sale_day, occurred_at, amount, units, currency
    FROM differences
    RETURNING 1
)
SELECT count(*) FROM staged
