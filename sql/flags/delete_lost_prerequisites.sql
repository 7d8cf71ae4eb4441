-- Deletes the prerequisites of a flag that its state does not have. Index: their key.
DELETE FROM trackai.feature_flag_prerequisites p
USING trackai.feature_flags f
WHERE p.flag_id = %(flag_id)s AND f.id = p.requires_flag_id AND f.key <> ALL (%(requires)s)
