-- Adds a decision. Rows of the table are only added; the newest is in force.
INSERT INTO trackai.ab_test_decisions
    (tenant_id, test_id, decided_at, decision_day, horizon_day, kind, outcome, winner_variant, reason, inputs)
VALUES
    (%(tenant_id)s, %(test_id)s, %(decided_at)s, %(decision_day)s, %(horizon_day)s, %(kind)s, %(outcome)s,
     %(winner_variant)s, %(reason)s, %(inputs)s)
