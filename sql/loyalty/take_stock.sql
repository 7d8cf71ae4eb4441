-- Takes %(taken)s of a reward's stock; no row where fewer are left. A reward without a stock is only kept as it is until the
-- transaction ends. Index: the key of rewards. Guarantees: the stock is never exceeded.
UPDATE trackai.rewards SET stock_taken = stock_taken + %(taken)s
WHERE tenant_id = %(tenant_id)s AND reward_id = %(reward_id)s AND stock_taken + %(taken)s <= stock_total
RETURNING stock_taken
