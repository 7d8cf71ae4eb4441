-- Lets the planner count a day in parallel.
-- match_rates/count_day groups by an expression over two times. The planner takes as many groups as there are pairs of
-- times, and with a group a row it does not think of adding up in parallel. There are some hundred; nothing compares
-- these times for equality, so that no other plan hangs on how many different ones there are. In force with the next ANALYZE.
ALTER TABLE trackai.conversions ALTER COLUMN created_at SET (n_distinct = 10);
ALTER TABLE trackai.matched_attributions ALTER COLUMN matched_at SET (n_distinct = 10);
