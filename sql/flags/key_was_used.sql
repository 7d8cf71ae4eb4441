-- Returns whether a flag with this key ever was. Reads the versions whole, which are few: only to create a flag.
SELECT EXISTS (SELECT 1 FROM trackai.feature_flag_versions v WHERE v.flag_key = %(key)s)
