-- Counts the decided conversions of a range of aggregated UTC days, and how many each strategy matched.
-- Index: daily_match_rates_by_day.
SELECT coalesce(sum(conversions - pending), 0)::bigint AS decided,
       coalesce(sum(fbc), 0)::bigint AS fbc,
       coalesce(sum(fbp), 0)::bigint AS fbp,
       coalesce(sum(email), 0)::bigint AS email
FROM trackai.daily_match_rates
WHERE day BETWEEN %(from_day)s AND %(to_day)s
