-- The conversions of the UTC day %(day)s of tenants that have a program, each with the one reason for which it is credited
-- or not, and what the ledger has of it: now, and when the day's figures were last computed.
-- Indexes: conversions_by_day, the primary keys of matched_attributions, clicks and user_conversions, and sales_ledger's
-- unique key. Returns how many there are.
WITH rules AS MATERIALIZED (
    SELECT tenant_id, valid_from, time_zone, credit_field, excluded_gateways, status = 'closed' AS closed,
           lead(valid_from) OVER in_order AS next_from, lead(time_zone) OVER in_order AS next_zone
    FROM trackai.loyalty_programs
    WINDOW in_order AS (PARTITION BY tenant_id ORDER BY valid_from)
), links AS MATERIALIZED (
    SELECT tenant_id, alias, user_id, valid_from,
           lead(valid_from, 1, 'infinity') OVER (PARTITION BY tenant_id, alias ORDER BY valid_from) AS valid_to
    FROM trackai.creator_aliases
    WHERE kind = 'link'
), sales AS MATERIALIZED (
    SELECT c.tenant_id, c.id, c.gateway || ':' || c.gateway_event_id AS source_ref,
           coalesce(c.currency::text, 'XXX') COLLATE "C" AS currency, coalesce(c.value, 0) AS value,
           a.strategy, a.click_id, r.credit_field, (c.occurred_at AT TIME ZONE r.time_zone)::date AS sale_day,
           r.tenant_id IS NULL OR r.closed OR c.gateway = ANY (r.excluded_gateways) AS excluded
    FROM trackai.conversions c
    LEFT JOIN LATERAL (
        SELECT m.strategy, m.click_id FROM trackai.matched_attributions m
        WHERE m.tenant_id = c.tenant_id AND m.conversion_id = c.id
        LIMIT 1
    ) a ON true
    LEFT JOIN rules r ON r.tenant_id = c.tenant_id
        AND (c.occurred_at AT TIME ZONE r.time_zone)::date >= r.valid_from
        AND (r.next_from IS NULL OR (c.occurred_at AT TIME ZONE r.next_zone)::date < r.next_from)
    WHERE c.tenant_id IN (SELECT p.tenant_id FROM trackai.loyalty_programs p)
      AND c.occurred_at >= %(day)s::date::timestamp AT TIME ZONE 'UTC'
      AND c.occurred_at < (%(day)s::date + 1)::timestamp AT TIME ZONE 'UTC'
), whose AS MATERIALIZED (
    SELECT s.*, coalesce(k.code, '') AS code,
           CASE WHEN s.credit_field = 'buyer' THEN m.user_id ELSE p.user_id END AS user_id
    FROM sales s
    LEFT JOIN LATERAL (
        SELECT btrim(CASE s.credit_field
            WHEN 'utm_content' THEN k.utm_content WHEN 'utm_term' THEN k.utm_term
            WHEN 'utm_source' THEN k.utm_source WHEN 'utm_campaign' THEN k.utm_campaign END) COLLATE "C" AS code
        FROM trackai.clicks k
        WHERE k.tenant_id = s.tenant_id AND k.id = s.click_id
        LIMIT 1
    ) k ON true
    LEFT JOIN links p ON p.tenant_id = s.tenant_id AND p.alias = k.code AND s.sale_day >= p.valid_from AND s.sale_day < p.valid_to
    LEFT JOIN LATERAL (
        SELECT m.user_id
        FROM trackai.user_conversions u
        JOIN trackai.loyalty_members m ON m.tenant_id = u.tenant_id AND m.user_id = u.user_id
        WHERE s.credit_field = 'buyer' AND u.tenant_id = s.tenant_id AND u.conversion_id = s.id
        LIMIT 1
    ) m ON true
), held AS (
    SELECT w.tenant_id, w.id, l.user_id, l.entries, l.amount, l.units, l.entries_then, l.amount_then
    FROM whose w
    LEFT JOIN trackai.loyalty_daily_credit d ON d.tenant_id = w.tenant_id AND d.day = %(day)s AND d.currency = w.currency
    CROSS JOIN LATERAL (
        SELECT l.user_id, count(*) AS entries, sum(l.amount) AS amount, sum(l.units) AS units,
               count(*) FILTER (WHERE l.recorded_at <= d.computed_at) AS entries_then,
               coalesce(sum(l.amount) FILTER (WHERE l.recorded_at <= d.computed_at), 0) AS amount_then
        FROM trackai.sales_ledger l
        WHERE l.tenant_id = w.tenant_id AND l.source = 'conversion' AND l.source_ref = w.source_ref
        GROUP BY l.user_id
    ) l
), holding AS (
    SELECT h.tenant_id, h.id, sum(h.entries) AS entries, sum(h.amount) AS amount, sum(h.units) AS units,
           sum(h.entries_then) AS entries_then, sum(h.amount_then) AS amount_then,
           count(*) FILTER (WHERE h.amount <> 0 OR h.units <> 0) AS holders,
           min(h.user_id) FILTER (WHERE h.amount <> 0 OR h.units <> 0) AS holder
    FROM held h
    GROUP BY h.tenant_id, h.id
), counted AS (
    SELECT w.tenant_id, w.currency, w.value, coalesce(w.strategy <> 'unmatched', false) AS matched,
           CASE WHEN l.units > 0 OR l.amount > 0 THEN 'credited'
                WHEN w.strategy IS NULL THEN 'pending'
                WHEN w.strategy = 'unmatched' THEN 'unmatched'
                WHEN w.excluded THEN 'excluded'
                WHEN w.user_id IS NOT NULL THEN 'pending'
                WHEN w.credit_field = 'buyer' THEN 'no_link'
                WHEN w.click_id IS NULL THEN 'click_gone'
                WHEN w.code = '' THEN 'no_link'
                ELSE 'unknown_link' END AS reason,
           coalesce(l.entries, 0) AS entries, coalesce(l.amount, 0) AS amount,
           coalesce(l.entries_then, 0) AS entries_then, coalesce(l.amount_then, 0) AS amount_then,
           coalesce((l.units > 0 OR l.amount > 0) AND w.strategy = 'unmatched', false) AS of_unmatched,
           coalesce(l.holders > 1 OR l.units > 1 OR (l.holders = 1 AND l.amount <> w.value), false) AS doubled,
           coalesce(l.holders = 1 AND l.holder <> w.user_id AND NOT w.excluded, false) AS of_another
    FROM whose w
    LEFT JOIN holding l ON l.tenant_id = w.tenant_id AND l.id = w.id
), staged AS (
    INSERT INTO pg_temp.day_credit
        (tenant_id, currency, value, matched, reason, entries, amount, entries_then, amount_then, of_unmatched, doubled,
         of_another)
    SELECT * FROM counted
    RETURNING 1
)
SELECT count(*) FROM staged
