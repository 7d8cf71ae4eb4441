-- Which of these UTC days hold conversions whose links are not up to date, and how many: their hashes must stay until
-- they are. Index: conversions_by_day bounds the days.
SELECT (w.occurred_at AT TIME ZONE 'UTC')::date AS day, count(*)
FROM trackai.v_wrong_user_links w
WHERE w.occurred_at >= (SELECT min(d) FROM unnest(%(days)s::date[]) AS d)::timestamp AT TIME ZONE 'UTC'
  AND w.occurred_at < ((SELECT max(d) FROM unnest(%(days)s::date[]) AS d) + 1)::timestamp AT TIME ZONE 'UTC'
  AND (w.occurred_at AT TIME ZONE 'UTC')::date = ANY (%(days)s::date[])
GROUP BY 1
ORDER BY 1
