-- Makes the journeys of some sales of a tenant newer than the figures of their day, so the day is due.
-- Indexes: the primary key of conversion_journeys, campaign_analytics_daily_by_date.
-- Guarantees: newer than the figures though these were computed after %(now)s; the caller holds the tenant's lock.
UPDATE trackai.conversion_journeys j
SET computed_at = greatest(%(now)s, (
        SELECT max(d.computed_at) + interval '1 microsecond'
        FROM trackai.campaign_analytics_daily d
        WHERE d.tenant_id = %(tenant_id)s AND d.date = j.day
    ))
WHERE j.tenant_id = %(tenant_id)s AND j.conversion_id = ANY (%(conversion_ids)s::bigint[])
