-- The next local day of a tenant's program to be evaluated, what the evaluation before it knew of the ledger, the last
-- posting, and the local day that it is now by the rules of that day and of today.
-- Indexes: the primary keys of tier_evaluations and ledger_postings, each for one row.
SELECT coalesce(e.day + 1, first.day) AS day,
       coalesce(e.ledger_upto, 0) AS seen_upto,
       coalesce((
           SELECT p.posting_no FROM trackai.ledger_postings p WHERE p.tenant_id = %(tenant_id)s ORDER BY p.posting_no DESC LIMIT 1
       ), 0) AS ledger_upto
FROM (
    SELECT min(p.valid_from) FILTER (WHERE p.status <> 'draft' OR %(drafts)s) AS day
    FROM trackai.loyalty_programs p
    WHERE p.tenant_id = %(tenant_id)s
) AS first
LEFT JOIN LATERAL (
    SELECT v.day, v.ledger_upto
    FROM trackai.tier_evaluations v
    WHERE v.tenant_id = %(tenant_id)s
    ORDER BY v.day DESC
    LIMIT 1
) AS e ON true
