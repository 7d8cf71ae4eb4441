-- Removes the links of conversions that are being erased; returns them. Index: user_conversions' primary key.
DELETE FROM trackai.user_conversions
WHERE tenant_id = %(tenant_id)s AND conversion_id = ANY (%(conversion_ids)s)
RETURNING conversion_id
