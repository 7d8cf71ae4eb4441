-- Returns how many users bought in some time what a test counts, and the revenue that one in a thousand of them exceeds:
-- an amount that somebody did spend. Indexes: conversions_by_day, whose blocks it reads, then the keys of links and
-- attributions.
SELECT count(*), percentile_disc(0.999) WITHIN GROUP (ORDER BY b.revenue)
FROM (
    SELECT sum(c.value) AS revenue
    FROM trackai.conversions c
    JOIN trackai.user_conversions l ON l.tenant_id = c.tenant_id AND l.conversion_id = c.id
    LEFT JOIN trackai.matched_attributions m ON m.tenant_id = c.tenant_id AND m.conversion_id = c.id
    WHERE c.tenant_id = %(tenant_id)s AND c.occurred_at >= %(since)s AND c.occurred_at < %(until)s
      AND c.event_name = %(outcome_event)s AND c.currency = %(currency)s AND c.value > 0
      AND (%(outcome_scope)s = 'all' OR m.strategy <> 'unmatched')
    GROUP BY l.user_id
) b
