-- The currencies of ad accounts, by tenant, platform and account: what costs without a currency are in.
-- Reads all accounts, which are few.
SELECT tenant_id, source, account_id, currency
FROM trackai.ad_accounts
WHERE currency IS NOT NULL
