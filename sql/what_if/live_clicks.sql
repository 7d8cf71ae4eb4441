-- Returns the clicks of a range of times that are still in the database. For PostgreSQL.
-- Index: clicks_by_day.
SELECT k.tenant_id, k.id, k.fbc, k.fbclid, k.fbp, k.created_at
FROM trackai.clicks k
WHERE k.created_at >= {from_time}::timestamptz AND k.created_at < {until_time}::timestamptz
