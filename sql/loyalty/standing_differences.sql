-- Where creators stand otherwise than a course of all evaluated days ends. Index: the primary key.
SELECT m.user_id, m.current_tier AS recorded_tier, c.current_tier AS tier
FROM {creators} c
JOIN trackai.loyalty_members m ON m.tenant_id = c.tenant_id AND m.user_id = c.user_id
WHERE (m.current_tier, m.anchor_day, m.checkpoint_no, m.window_start, m.window_end, m.climb_start, m.in_grace)
      IS DISTINCT FROM
      (c.current_tier, c.anchor_day, c.checkpoint_no, c.window_start, c.window_end, c.climb_start, c.in_grace)
ORDER BY m.user_id
