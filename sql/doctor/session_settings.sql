-- Which settings of the session are not as %(names)s and %(values)s say: name, value here, value wanted. Index: none.
SELECT w.name, current_setting(w.name), w.value
FROM unnest(%(names)s::text[], %(values)s::text[]) AS w (name, value)
WHERE current_setting(w.name) <> w.value
ORDER BY w.name
