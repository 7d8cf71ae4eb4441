-- Whether the flag of the sample that should be gone is known to be, and whom to ask. Reads the view whole.
SELECT s.key, s.why, s.owner_email
FROM trackai.v_stale_feature_flags s
WHERE s.key = %(shipping)s
