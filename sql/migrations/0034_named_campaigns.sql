-- When campaigns were named: earlier costs join by name to a campaign that a click has named, so its days are due then.

ALTER TABLE trackai.campaigns ADD COLUMN named_at timestamptz;
COMMENT ON COLUMN trackai.campaigns.named_at IS 'when a click named it here first, or before any click a file: earlier costs may have moved to it then; NULL: not known, or never';
-- campaigns/due_named: what was named since the last night.
CREATE INDEX campaigns_by_naming ON trackai.campaigns (tenant_id, named_at);
-- campaigns/due_named: the days of a platform's campaign.
CREATE INDEX ad_cost_statements_by_campaign ON trackai.ad_cost_statements (tenant_id, campaign_id, day);
