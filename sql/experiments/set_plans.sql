-- Sets the planner's settings %(names)s for the transaction; returns each with what it was. Index: none.
SELECT s.name, s.before, set_config(s.name, s.value, true)
FROM (
    SELECT n.name, current_setting(n.name) AS before, n.value
    FROM unnest(%(names)s::text[], %(values)s::text[]) AS n (name, value)
    OFFSET 0
) s
