-- Keeps a reward without a stock as it is until the transaction ends; no row where it has one by now.
-- Index: the key of rewards.
SELECT r.reward_id FROM trackai.rewards r
WHERE r.tenant_id = %(tenant_id)s AND r.reward_id = %(reward_id)s AND r.stock_total IS NULL
FOR SHARE
