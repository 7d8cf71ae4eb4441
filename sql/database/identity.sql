-- Which database this is: two connections that get the same answer lead to one. Index: none.
SELECT pg_postmaster_start_time(), d.oid FROM pg_database d WHERE d.datname = current_database()
