-- Takes noted arrivals of clicks and identities, up to about %(facts)s facts: ranges of ids, long ones piece by piece
-- (the rest is noted again). The caller compares them with unmatched conversions in the same transaction.
-- The triggers clicks_are_noted and identities_are_noted (sql/schema.sql) note the ranges of each insert.
-- Index: fact_arrivals' primary key. Guarantees: no two workers get the same range; a dead worker's range comes back.
WITH locked AS MATERIALIZED (
    SELECT a.tenant_id, a.id, a.fact, a.first_id, a.last_id
    FROM trackai.fact_arrivals a
    ORDER BY a.tenant_id, a.id
    LIMIT 500
    FOR UPDATE SKIP LOCKED
),
measured AS (
    SELECT l.*, sum(last_id - first_id + 1) OVER (ORDER BY l.tenant_id, l.id) - (last_id - first_id + 1) AS before
    FROM locked l
),
taken AS MATERIALIZED (
    SELECT tenant_id, id, fact, first_id, last_id,
           least(last_id, first_id + (%(facts)s - before)::bigint - 1) AS until_id
    FROM measured
    WHERE before < %(facts)s
),
gone AS (
    DELETE FROM trackai.fact_arrivals a USING taken t WHERE a.tenant_id = t.tenant_id AND a.id = t.id
),
rest AS (
    INSERT INTO trackai.fact_arrivals (tenant_id, fact, first_id, last_id)
    SELECT tenant_id, fact, until_id + 1, last_id FROM taken WHERE until_id < last_id
)
SELECT tenant_id, fact, first_id, until_id FROM taken
