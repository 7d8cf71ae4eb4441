-- What aliases and their campaigns lead to: ('alias', tenant, alias, its campaign) and ('campaign', tenant, campaign, an
-- alias of it). Reads all aliases, which are few.
SELECT 'alias', tenant_id, alias, min(campaign_id)
FROM trackai.campaign_aliases
GROUP BY tenant_id, alias
UNION ALL
SELECT 'campaign', tenant_id, campaign_id, min(alias)
FROM trackai.campaign_aliases
GROUP BY tenant_id, campaign_id
