-- A tenant's ad accounts whose newest costs, of %(from_day)s or later, are of a day before %(expected)s.
-- Index: the unique key of ad_cost_statements.
SELECT s.source, s.account_id, max(s.day) AS last_day
FROM trackai.ad_cost_statements s
WHERE s.tenant_id = %(tenant_id)s AND s.day >= %(from_day)s
GROUP BY s.source, s.account_id
HAVING max(s.day) < %(expected)s
ORDER BY s.source, s.account_id
