-- Late entries that were posted on some UTC days, by tenant: how many, in how many closed windows, and how many of these
-- would be closed otherwise now. Indexes: sales_ledger_by_posting, then
-- tier_checkpoints and sales_ledger by creator.
SELECT w.slug, sum(w.entries) AS entries, count(*) AS windows,
       count(*) FILTER (
           WHERE w.status IN ('maintained', 'demoted')
             AND (w.known_then >= w.required) IS DISTINCT FROM (w.known_now >= w.required)
       ) AS otherwise
FROM (
    SELECT t.slug, l.user_id, l.checkpoint_date, l.status, count(*) AS entries,
           max(CASE p.vip_metric WHEN 'units' THEN l.units_in_period ELSE l.sales_in_period END) AS known_then,
           max(CASE p.vip_metric WHEN 'units' THEN l.units_known_now ELSE l.sales_known_now END) AS known_now,
           max(CASE p.vip_metric WHEN 'units' THEN c.units_required ELSE c.sales_required END) AS required
    FROM trackai.tenants t
    JOIN trackai.late_entries l ON l.tenant_id = t.id
    JOIN trackai.tier_checkpoints c
        ON c.tenant_id = l.tenant_id AND c.user_id = l.user_id AND c.checkpoint_date = l.checkpoint_date
    CROSS JOIN LATERAL (
        SELECT i.vip_metric FROM trackai.loyalty_programs i
        WHERE i.tenant_id = l.tenant_id AND i.valid_from <= l.checkpoint_date
        ORDER BY i.valid_from DESC
        LIMIT 1
    ) AS p
    WHERE (%(tenant)s::text IS NULL OR t.slug = %(tenant)s)
      AND l.posting_no >= (
          SELECT min(g.posting_no) FROM trackai.ledger_postings g
          WHERE g.tenant_id = t.id AND g.posted_at >= %(first)s::date::timestamp AT TIME ZONE 'UTC'
      )
      AND l.recorded_at >= %(first)s::date::timestamp AT TIME ZONE 'UTC'
      AND l.recorded_at < (%(last)s::date + 1)::timestamp AT TIME ZONE 'UTC'
    GROUP BY t.slug, l.user_id, l.checkpoint_date, l.status
) AS w
GROUP BY w.slug
