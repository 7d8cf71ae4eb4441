-- Whether users are assigned to a test. Index: the keys of both tables, one entry each.
SELECT EXISTS (
           SELECT FROM trackai.ab_test_assignments a WHERE a.tenant_id = %(tenant_id)s AND a.test_id = %(test_id)s
       ) OR EXISTS (
           SELECT FROM trackai.ab_test_reassignments r WHERE r.tenant_id = %(tenant_id)s AND r.test_id = %(test_id)s
       )
