-- Deletes a tenant's hours of campaign_trend_data from before the UTC day %(before)s; days and weeks stay.
-- Index: campaign_trend_data_by_period.
DELETE FROM trackai.campaign_trend_data
WHERE tenant_id = %(tenant_id)s AND granularity = 'hourly' AND period < %(before)s::date::timestamp AT TIME ZONE 'UTC'
