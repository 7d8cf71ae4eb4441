-- Gives one back to a reward's stock, where it has one. Index: the key of rewards.
UPDATE trackai.rewards SET stock_taken = stock_taken - 1
WHERE tenant_id = %(tenant_id)s AND reward_id = %(reward_id)s AND stock_total IS NOT NULL
