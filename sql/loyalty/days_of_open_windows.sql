-- UTC days from %(first)s to %(last)s on which windows began that are still open: progress in missions counts on in them.
-- Index: mission_progress_by_day, then the key of loyalty_members.
SELECT DISTINCT p.checkpoint_start AS day
FROM trackai.mission_progress p
JOIN trackai.loyalty_members m ON m.tenant_id = p.tenant_id AND m.user_id = p.user_id
WHERE p.checkpoint_start BETWEEN %(first)s AND %(last)s AND m.window_start = p.checkpoint_start
