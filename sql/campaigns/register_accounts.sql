-- Registers the ad accounts that staged costs name, with their currency; one that is there without a currency gets it.
-- Index: ad_accounts' primary key, in whose order rows are written. Repeating it changes nothing.
INSERT INTO trackai.ad_accounts AS a (tenant_id, source, account_id, currency, created_at)
SELECT DISTINCT ON (s.tenant_id, s.source, s.account_id) s.tenant_id, s.source, s.account_id, s.currency, %(now)s
FROM pg_temp.staged_ad_costs s
WHERE s.account_id IS NOT NULL
ORDER BY s.tenant_id, s.source, s.account_id, s.last_stated_at DESC, s.currency
ON CONFLICT (tenant_id, source, account_id) DO UPDATE
SET currency = excluded.currency
WHERE a.currency IS NULL
