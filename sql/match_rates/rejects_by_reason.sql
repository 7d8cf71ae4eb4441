-- What ingest refused or set aside, most frequent reason first, with one place to look at.
-- Index: none. Reads all rejects once: they are few, and kept for a month.
-- Guarantees: at most `most` rows; the example is the same whenever the rejects are.
SELECT reason,
       count(*) AS lines,
       count(DISTINCT source) AS files,
       min(source || ':' || line) AS example
FROM trackai.ingest_rejects
GROUP BY reason
ORDER BY lines DESC, reason
LIMIT %(most)s;
