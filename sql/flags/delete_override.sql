-- Deletes a tenant's override of a flag. Index: the key of feature_flag_overrides.
DELETE FROM trackai.feature_flag_overrides o WHERE o.tenant_id = %(tenant_id)s AND o.flag_id = %(flag_id)s
