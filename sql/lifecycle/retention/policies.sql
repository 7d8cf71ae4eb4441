-- The enabled policies as of the UTC day %(today)s, one row each: what they ask for, and the day before which rows leave
-- or lose their personal fields. A day is due as a whole: its end is at least the policy's time ago.
-- Index: none. One row a table.
-- Guarantees: days that Python can hold, whatever the intervals are.
SELECT p.table_name,
       p.action,
       least(p.grace, interval '1000 years') AS grace,
       CASE WHEN p.action <> 'anonymise' THEN p.keep::text END AS keep,
       CASE WHEN p.action <> 'anonymise' THEN (%(today)s::date - least(p.keep, interval '1000 years'))::date END
           AS leave_before,
       (least(p.anonymise_after, CASE WHEN p.action = 'anonymise' THEN p.keep END))::text AS anonymise_after,
       CASE
           WHEN p.action = 'anonymise' OR p.anonymise_after IS NOT NULL
           THEN (%(today)s::date - least(
               p.anonymise_after, CASE WHEN p.action = 'anonymise' THEN p.keep END, interval '1000 years'
           ))::date
       END AS anonymise_before,
       to_regclass('trackai.' || quote_ident(p.table_name)) IS NOT NULL AS is_table
FROM trackai.retention_policies p
WHERE p.enabled
ORDER BY p.table_name
