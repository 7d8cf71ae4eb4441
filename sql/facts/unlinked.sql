-- How many conversions before the UTC day %(before)s have links that are not up to date: their hashes must stay until they
-- are. Index: none; conversions that were anonymised are not looked up.
SELECT count(*)
FROM trackai.v_wrong_user_links w
WHERE w.occurred_at < %(before)s::date::timestamp AT TIME ZONE 'UTC'
