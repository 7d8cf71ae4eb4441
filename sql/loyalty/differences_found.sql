-- The staged entries of a source, how many there are and some of them. Index: none, they are read once.
SELECT d.source, count(*), (array_agg(d.source_ref || ' of ' || d.user_id ORDER BY d.source_ref, d.user_id))[1:3]
FROM pg_temp.ledger_differences d
WHERE d.source <> 'conversion'
GROUP BY d.source
ORDER BY d.source
