-- Returns how many starts of %(name)s have failed since one succeeded, and the seconds until the next one is due. No row
-- means that none failed. Index: failed_starts' primary key.
SELECT failures, greatest(0, extract(EPOCH FROM next_at - now()))::double precision AS seconds
FROM trackai.failed_starts
WHERE name = %(name)s
