-- Returns the users of a tenant, or one in %(one_in)s of them, who are not excluded. With those who bought what a test
-- would count: orders, revenue (at most the cap) and orders in the currency from %(since)s on, orders and revenue before.
-- Indexes: conversions_by_day, whose blocks it reads, then the keys of links, attributions and excluded users; users are
-- read whole.
-- Guarantees: the same users are chosen each time.
WITH sales AS MATERIALIZED (
    SELECT l.user_id,
           count(*) FILTER (WHERE c.occurred_at >= %(since)s) AS orders,
           coalesce(sum(c.value) FILTER (WHERE c.occurred_at >= %(since)s AND c.currency = %(currency)s::char(3)), 0)
               AS revenue,
           count(*) FILTER (WHERE c.occurred_at >= %(since)s AND c.currency = %(currency)s::char(3)) AS paid,
           count(*) FILTER (WHERE c.occurred_at < %(since)s) AS pre_orders,
           coalesce(sum(c.value) FILTER (WHERE c.occurred_at < %(since)s AND c.currency = %(currency)s::char(3)), 0)
               AS pre_revenue
    FROM trackai.conversions c
    JOIN trackai.user_conversions l ON l.tenant_id = %(tenant_id)s AND l.conversion_id = c.id
    LEFT JOIN trackai.matched_attributions m ON m.tenant_id = %(tenant_id)s AND m.conversion_id = c.id
    WHERE c.tenant_id = %(tenant_id)s AND c.occurred_at >= %(pre_since)s AND c.occurred_at < %(until)s
      AND c.event_name = %(outcome_event)s AND (%(outcome_scope)s = 'all' OR m.strategy <> 'unmatched')
    GROUP BY l.user_id
)
SELECT u.id, s.orders, least(s.revenue, %(cap)s::numeric) AS revenue, s.paid, s.pre_orders,
       least(s.pre_revenue, %(cap)s::numeric) AS pre_revenue
FROM trackai.users u
LEFT JOIN sales s ON s.user_id = u.id
WHERE u.tenant_id = %(tenant_id)s
  AND mod(hashtextextended(u.id, 0), %(one_in)s) = 0
  AND NOT EXISTS (SELECT FROM trackai.excluded_users x WHERE x.tenant_id = %(tenant_id)s AND x.user_id = u.id)
