-- Creators with entries that came after their window was closed, recorded between two UTC days: how many entries, and the
-- days that they are dated. Index: tier_checkpoints by creator, sales_ledger_by_day.
SELECT l.user_id, m.current_tier, count(*) AS entries, min(l.sale_day) AS first_day, max(l.sale_day) AS last_day,
       max(l.corrected_on) AS corrected_on
FROM trackai.late_entries l
JOIN trackai.loyalty_members m ON m.tenant_id = l.tenant_id AND m.user_id = l.user_id
WHERE l.tenant_id = %(tenant_id)s
  AND l.posting_no >= (
      SELECT min(g.posting_no) FROM trackai.ledger_postings g
      WHERE g.tenant_id = %(tenant_id)s AND g.posted_at >= %(from_day)s::date::timestamp AT TIME ZONE 'UTC'
  )
  AND l.recorded_at >= %(from_day)s::date::timestamp AT TIME ZONE 'UTC'
  AND l.recorded_at < (%(to_day)s::date + 1)::timestamp AT TIME ZONE 'UTC'
GROUP BY l.user_id, m.current_tier
ORDER BY l.user_id
