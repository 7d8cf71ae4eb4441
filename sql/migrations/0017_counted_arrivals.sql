-- Arrived facts are noted in counted pieces, so that comparing them costs by the facts and not by the width of a range.
-- Ids of one inserting statement interleave between tenants: 100,000 clicks of 5,000 tenants made 5,000 ranges of
-- nearly 100,000 ids each, which hold 20 clicks each.

ALTER TABLE trackai.fact_arrivals ADD COLUMN facts bigint NOT NULL DEFAULT 1;
ALTER TABLE trackai.fact_arrivals ADD CONSTRAINT fact_arrivals_facts_check CHECK (facts >= 1) NOT VALID;
ALTER TABLE trackai.fact_arrivals VALIDATE CONSTRAINT fact_arrivals_facts_check;
COMMENT ON COLUMN trackai.fact_arrivals.facts IS 'how many facts arrived; an estimate of what comparing them costs';

-- A tenant's facts are noted in pieces of about 20,000, which is what a drain compares in one transaction
-- (FACTS_PER_COMPARISON in matching/drain.py): notes are never divided, and several drains share one statement's facts.
CREATE OR REPLACE FUNCTION trackai.note_arrivals() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO trackai.fact_arrivals (tenant_id, fact, first_id, last_id, facts)
    SELECT tenant_id, TG_ARGV[0], min(first_id), max(last_id), sum(facts)
    FROM (
        SELECT tenant_id, min(id) AS first_id, max(id) AS last_id, count(*) AS facts,
               (sum(count(*)) OVER (PARTITION BY tenant_id ORDER BY id / 20000) - 1)::bigint / 20000 AS piece
        FROM arrived
        GROUP BY tenant_id, id / 20000
    ) blocks
    GROUP BY tenant_id, piece
    ORDER BY tenant_id, piece;
    RETURN NULL;
END $$;

-- What is noted already is noted again in this form. Notes of facts that are gone have nothing to say.
WITH uncounted AS (
    DELETE FROM trackai.fact_arrivals RETURNING tenant_id, fact, first_id, last_id
)
INSERT INTO trackai.fact_arrivals (tenant_id, fact, first_id, last_id, facts)
SELECT k.tenant_id, 'click', min(k.id), max(k.id), count(DISTINCT k.id)
FROM uncounted u
JOIN trackai.clicks k ON k.tenant_id = u.tenant_id AND k.id BETWEEN u.first_id AND u.last_id
WHERE u.fact = 'click'
GROUP BY k.tenant_id, k.id / 20000
UNION ALL
SELECT i.tenant_id, 'identity', min(i.id), max(i.id), count(DISTINCT i.id)
FROM uncounted u
JOIN trackai.identities i ON i.tenant_id = u.tenant_id AND i.id BETWEEN u.first_id AND u.last_id
WHERE u.fact = 'identity'
GROUP BY i.tenant_id, i.id / 20000;
