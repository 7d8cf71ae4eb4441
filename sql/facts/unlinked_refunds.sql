-- How many refunds there are, how many of them wait for their sale, how many of those since before %(before)s, and since when
-- the oldest does. Index: refunds_unlinked; the first count scans the table.
SELECT (SELECT count(*) FROM trackai.refunds) AS refunds,
       count(*) AS waiting,
       count(*) FILTER (WHERE u.created_at < %(before)s) AS overdue,
       min(u.created_at) AS oldest
FROM trackai.refunds u
WHERE u.conversion_id IS NULL
