-- Writes a row of the audit log about a change that evaluation reads nothing of.
INSERT INTO trackai.feature_flag_audit_log
    (flag_id, flag_key, action, old_value, new_value, changed_by, change_reason, created_at, ip_address)
VALUES (%(flag_id)s, %(key)s, 'UPDATE', %(before)s, %(after)s, %(by)s, %(reason)s, %(now)s, %(ip)s::inet)
