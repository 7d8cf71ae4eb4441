-- Adds what happened to a test. Rows of the table are only added.
INSERT INTO trackai.ab_test_events (tenant_id, test_id, at, action, from_status, to_status, by_whom, reason, config)
VALUES
    (%(tenant_id)s, %(test_id)s, %(at)s, %(action)s, %(from_status)s, %(to_status)s, %(by)s, %(reason)s, %(config)s)
