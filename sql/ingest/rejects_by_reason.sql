-- What ingest refused or set aside on some UTC days, most frequent reason first, with one place to look at.
-- Index: ingest_rejects_by_day. Rejects are few, and kept for a month.
-- Guarantees: at most `most` rows; the example is the same whenever the rejects are.
SELECT reason,
       count(*) AS lines,
       count(DISTINCT source) AS files,
       min(source || ':' || line) AS example
FROM trackai.ingest_rejects
WHERE created_at >= %(first)s::date::timestamp AT TIME ZONE 'UTC'
  AND created_at < (%(last)s::date + 1)::timestamp AT TIME ZONE 'UTC'
GROUP BY reason
ORDER BY lines DESC, reason
LIMIT %(most)s
