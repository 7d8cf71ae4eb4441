-- Sales of which more went back than they were worth, in their own currency: how many, and the first few as
-- "tenant gateway event". Reads all linked refunds. Indexes: refunds_by_conversion, conversions' primary key.
SELECT count(*) AS sales, (array_agg(o.sale ORDER BY o.sale))[:%(shown)s] AS examples
FROM (
    SELECT t.slug || ' ' || c.gateway || ' ' || c.gateway_event_id AS sale
    FROM trackai.refunds r
    JOIN trackai.conversions c ON c.tenant_id = r.tenant_id AND c.id = r.conversion_id
    JOIN trackai.tenants t ON t.id = c.tenant_id
    WHERE r.currency = c.currency
    GROUP BY c.tenant_id, c.id, t.slug
    HAVING sum(r.value) > coalesce(c.value, 0)
) o
