-- Releases a lease. Index: leases' primary key.
DELETE FROM trackai.leases WHERE name = %(name)s AND holder = %(holder)s
