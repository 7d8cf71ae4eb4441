-- What is wrong with the credit of the UTC day %(day)s, a sentence each: tenants and currencies whose stored figures are not
-- those of their conversions, whose entries are other than when they were computed, or are another creator's, doubled, or
-- of unmatched sales; and whose matched value is not that of the match rates. The last column: whether it only warns.
-- Indexes: the primary keys of loyalty_daily_credit and daily_match_rates.
WITH now_there AS (
    SELECT tenant_id, currency, count(*) AS conversions, sum(value) AS value, sum(value) FILTER (WHERE matched) AS value_matched,
           sum(value) FILTER (WHERE reason = 'credited') AS value_credited, sum(amount) AS ledger_value,
           sum(entries_then) AS entries_then, sum(amount_then) AS amount_then,
           count(*) FILTER (WHERE of_unmatched) AS of_unmatched, count(*) FILTER (WHERE doubled) AS doubled,
           count(*) FILTER (WHERE of_another) AS of_another
    FROM pg_temp.day_credit
    GROUP BY tenant_id, currency
), stored AS (
    SELECT * FROM trackai.loyalty_daily_credit WHERE day = %(day)s
), both_sides AS (
    SELECT coalesce(n.tenant_id, s.tenant_id) AS tenant_id, coalesce(n.currency, s.currency) AS currency,
           n.conversions AS conversions_now, n.value AS value_now, n.value_matched AS matched_now, n.value_credited AS credited_now,
           n.ledger_value AS ledger_now, n.entries_then, n.amount_then, n.of_unmatched, n.doubled, n.of_another,
           s.conversions, s.value_conversions, s.value_matched, s.value_credited, s.value_no_link, s.value_unknown_link,
           s.value_excluded, s.value_click_gone, s.value_unmatched, s.value_pending, s.ledger_entries, s.ledger_value, s.computed_at
    FROM now_there n
    FULL JOIN stored s ON s.tenant_id = n.tenant_id AND s.currency = n.currency
), rates AS (
    SELECT r.tenant_id, r.currency::text COLLATE "C" AS currency, sum(r.value_matched) AS value_matched, min(r.computed_at) AS computed_at
    FROM trackai.daily_match_rates r
    WHERE r.day = %(day)s
    GROUP BY 1, 2
)
SELECT b.tenant_id || ', ' || %(day)s || ', ' || b.currency || ': ' || f.said AS said, f.warns
FROM both_sides b
LEFT JOIN rates r ON r.tenant_id = b.tenant_id AND r.currency = b.currency
CROSS JOIN LATERAL (VALUES
    (b.of_unmatched > 0, b.of_unmatched || ' unmatched sales are in the ledger', false),
    (b.doubled > 0, b.doubled || ' sales are in the ledger with another value or more than once', false),
    (b.of_another > 0, b.of_another || ' sales are in the ledger for another creator than their link says', false),
    (coalesce(b.credited_now, 0) <> coalesce(b.ledger_now, 0),
     'credited sales are worth ' || coalesce(b.credited_now, 0) || ', their entries ' || coalesce(b.ledger_now, 0), false),
    (b.value_conversions <> b.value_credited + b.value_no_link + b.value_unknown_link + b.value_excluded + b.value_click_gone
        + b.value_unmatched + b.value_pending, 'the values of the reasons do not add up', false),
    (b.ledger_entries <> coalesce(b.entries_then, 0) OR b.ledger_value <> coalesce(b.amount_then, 0),
     'the ledger had ' || b.ledger_entries || ' entries of ' || b.ledger_value || ' when it was computed, and has '
        || coalesce(b.entries_then, 0) || ' of ' || coalesce(b.amount_then, 0) || ' of that time', false),
    (b.value_credited <> b.ledger_value,
     'stored credit is ' || b.value_credited || ', its entries ' || b.ledger_value, false),
    (b.computed_at IS NULL OR b.conversions <> coalesce(b.conversions_now, 0) OR b.value_conversions <> coalesce(b.value_now, 0),
     'conversions came since it was computed, or it was not', true),
    (b.value_matched <> r.value_matched, 'matched value is ' || b.value_matched || ', in the match rates ' || r.value_matched,
     r.computed_at < (
         SELECT max(a.matched_at)
         FROM trackai.matched_attributions a
         JOIN trackai.conversions c ON c.tenant_id = a.tenant_id AND c.id = a.conversion_id
         WHERE a.tenant_id = b.tenant_id
           AND c.occurred_at >= %(day)s::date::timestamp AT TIME ZONE 'UTC'
           AND c.occurred_at < (%(day)s::date + 1)::timestamp AT TIME ZONE 'UTC'
     ) OR b.computed_at < r.computed_at)
) AS f (holds, said, warns)
WHERE f.holds
ORDER BY 2, 1
