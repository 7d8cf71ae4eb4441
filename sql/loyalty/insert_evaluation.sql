-- Notes that a day was evaluated, by whom and with what was known; returns how many members it was for.
-- Index: none; the creators of the tenant are counted.
INSERT INTO trackai.tier_evaluations
    (tenant_id, day, ledger_upto, evaluated_at, run_id, members, promoted, maintained, demoted, corrected, graced, created_at)
SELECT %(tenant_id)s, %(day)s, %(ledger_upto)s, %(now)s, %(run_id)s, count(*),
       %(promoted)s, %(maintained)s, %(demoted)s, %(corrected)s, %(grace)s, %(now)s
FROM trackai.loyalty_members m
WHERE m.tenant_id = %(tenant_id)s AND m.current_tier IS NOT NULL AND (m.left_on IS NULL OR m.left_on > %(day)s::date)
RETURNING members
