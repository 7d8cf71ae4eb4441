-- The next day after one on which a window of a course's creators, or its grace, is over.
SELECT min(c.window_end + CASE WHEN c.in_grace THEN %(grace_days)s::int ELSE 0 END)
FROM {creators} c
WHERE c.window_end + CASE WHEN c.in_grace THEN %(grace_days)s::int ELSE 0 END > %(day)s::date
  AND (c.left_on IS NULL OR c.left_on > c.window_end)
