-- The number of a tenant's last posting; 0 before the first. Index: ledger_postings' primary key.
SELECT coalesce(max(posting_no), 0) FROM trackai.ledger_postings WHERE tenant_id = %(tenant_id)s
