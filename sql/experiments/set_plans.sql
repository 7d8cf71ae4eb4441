-- Sets the planner's settings %(names)s for the transaction; returns each with what it was. NULL is memory for one step that
-- reads everything: a sixteenth of what the server has for data, a gigabyte at most. Index: none.
SELECT s.name, s.before, set_config(s.name, s.value, true)
FROM (
    SELECT n.name, current_setting(n.name) AS before, coalesce(n.value, m.kilobytes || 'kB') AS value
    FROM unnest(%(names)s::text[], %(values)s::text[]) AS n (name, value)
    CROSS JOIN (
        SELECT least(pg_size_bytes(current_setting('effective_cache_size')) / 16, 1073741824) / 1024 AS kilobytes
    ) m
    OFFSET 0
) s
