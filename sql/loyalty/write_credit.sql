-- Writes the figures of the UTC day %(day)s from its staged conversions; rows that it has no more go. Returns the sums over
-- all tenants: rows, conversions, matched, credited, and the share of the matched value that is credited, by currency.
-- Index: loyalty_daily_credit's primary key, in whose order rows are written.
WITH figures AS MATERIALIZED (
    SELECT tenant_id, currency, count(*) AS conversions, sum(value) AS value_conversions,
           count(*) FILTER (WHERE matched) AS matched, coalesce(sum(value) FILTER (WHERE matched), 0) AS value_matched,
           count(*) FILTER (WHERE reason = 'credited') AS credited,
           coalesce(sum(value) FILTER (WHERE reason = 'credited'), 0) AS value_credited,
           count(*) FILTER (WHERE reason = 'no_link') AS no_link,
           coalesce(sum(value) FILTER (WHERE reason = 'no_link'), 0) AS value_no_link,
           count(*) FILTER (WHERE reason = 'unknown_link') AS unknown_link,
           coalesce(sum(value) FILTER (WHERE reason = 'unknown_link'), 0) AS value_unknown_link,
           count(*) FILTER (WHERE reason = 'excluded') AS excluded,
           coalesce(sum(value) FILTER (WHERE reason = 'excluded'), 0) AS value_excluded,
           count(*) FILTER (WHERE reason = 'click_gone') AS click_gone,
           coalesce(sum(value) FILTER (WHERE reason = 'click_gone'), 0) AS value_click_gone,
           count(*) FILTER (WHERE reason = 'unmatched') AS unmatched,
           coalesce(sum(value) FILTER (WHERE reason = 'unmatched'), 0) AS value_unmatched,
           count(*) FILTER (WHERE reason = 'pending') AS pending,
           coalesce(sum(value) FILTER (WHERE reason = 'pending'), 0) AS value_pending,
           sum(entries) AS ledger_entries, sum(amount) AS ledger_value
    FROM pg_temp.day_credit
    GROUP BY tenant_id, currency
), gone AS (
    DELETE FROM trackai.loyalty_daily_credit c
    WHERE c.day = %(day)s AND (c.tenant_id, c.currency) NOT IN (SELECT tenant_id, currency FROM figures)
), written AS (
    INSERT INTO trackai.loyalty_daily_credit
        (tenant_id, day, currency, conversions, matched, credited, no_link, unknown_link, excluded, click_gone, unmatched,
         pending, value_conversions, value_matched, value_credited, value_no_link, value_unknown_link, value_excluded,
         value_click_gone, value_unmatched, value_pending, ledger_entries, ledger_value, computed_at, created_at, updated_at)
    SELECT tenant_id, %(day)s, currency, conversions, matched, credited, no_link, unknown_link, excluded, click_gone, unmatched,
           pending, value_conversions, value_matched, value_credited, value_no_link, value_unknown_link, value_excluded,
           value_click_gone, value_unmatched, value_pending, ledger_entries, ledger_value, %(now)s, %(now)s, %(now)s
    FROM figures
    ORDER BY tenant_id, currency
    ON CONFLICT (tenant_id, day, currency) DO UPDATE
    SET conversions = excluded.conversions, matched = excluded.matched, credited = excluded.credited,
        no_link = excluded.no_link, unknown_link = excluded.unknown_link, excluded = excluded.excluded,
        click_gone = excluded.click_gone, unmatched = excluded.unmatched, pending = excluded.pending,
        value_conversions = excluded.value_conversions, value_matched = excluded.value_matched,
        value_credited = excluded.value_credited, value_no_link = excluded.value_no_link,
        value_unknown_link = excluded.value_unknown_link, value_excluded = excluded.value_excluded,
        value_click_gone = excluded.value_click_gone, value_unmatched = excluded.value_unmatched,
        value_pending = excluded.value_pending, ledger_entries = excluded.ledger_entries,
        ledger_value = excluded.ledger_value, computed_at = excluded.computed_at, updated_at = excluded.updated_at
    RETURNING 1
)
SELECT (SELECT count(*) FROM written) AS groups, coalesce(sum(conversions), 0)::bigint AS conversions,
       coalesce(sum(matched), 0)::bigint AS matched, coalesce(sum(credited), 0)::bigint AS credited,
       coalesce((
           SELECT jsonb_object_agg(v.currency, v.amounts)
           FROM (
               SELECT currency, jsonb_build_array(sum(value_matched)::text, sum(value_credited)::text) AS amounts
               FROM figures GROUP BY currency
           ) v
       ), '{}') AS value_by_currency
FROM figures
