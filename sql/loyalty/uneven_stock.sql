-- Rewards whose counter of stock is not what is claimed of them and not rejected.
-- Index: the key of rewards; redemptions are read once. Rows of a limited stock do not leave.
SELECT t.slug AS tenant, r.reward_id, r.stock_taken, coalesce(d.claimed, 0) AS claimed
FROM trackai.rewards r
JOIN trackai.tenants t ON t.id = r.tenant_id
LEFT JOIN (
    SELECT d.tenant_id, d.reward_id, count(*) AS claimed
    FROM trackai.redemptions d
    WHERE d.status IN ('claimed', 'fulfilled', 'concluded')
    GROUP BY d.tenant_id, d.reward_id
) d ON d.tenant_id = r.tenant_id AND d.reward_id = r.reward_id
WHERE r.stock_total IS NOT NULL AND r.stock_taken <> coalesce(d.claimed, 0)
ORDER BY t.slug, r.reward_id
