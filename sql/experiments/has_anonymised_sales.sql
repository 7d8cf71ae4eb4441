-- Whether a tenant has sales in the days of its tests that were anonymised by %(anonymised_by)s. Index: conversions_by_day.
SELECT EXISTS (
    SELECT
    FROM trackai.conversions c
    WHERE c.tenant_id = %(tenant_id)s AND c.anonymised_at <= %(anonymised_by)s
      AND c.occurred_at >= %(sales_from)s AND c.occurred_at < %(sales_until)s
)
