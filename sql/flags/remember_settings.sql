-- Keeps the settings of all tenants until the transaction ends, for changed_periods.
-- Index: none. A few rows a tenant.
CREATE TEMPORARY TABLE settings_before ON COMMIT DROP AS
SELECT s.tenant_id, s.effective_from, s.effective_to, s.lookback_days, s.email_matching
FROM trackai.matching_settings s
