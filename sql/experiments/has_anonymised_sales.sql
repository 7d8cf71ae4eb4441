-- Whether a tenant has anonymised sales in the days of its tests. Index: conversions_by_day.
SELECT EXISTS (
    SELECT
    FROM trackai.conversions c
    WHERE c.tenant_id = %(tenant_id)s AND c.anonymised_at IS NOT NULL
      AND c.occurred_at >= %(sales_from)s AND c.occurred_at < %(sales_until)s
)
