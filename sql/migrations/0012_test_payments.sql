-- Whether a tenant takes the test payments of its gateways. Adding a column with a constant default rewrites no table.
ALTER TABLE trackai.tenants ADD COLUMN take_test_payments boolean NOT NULL DEFAULT false;

COMMENT ON COLUMN trackai.tenants.take_test_payments IS 'whether gateways'' test payments are taken for sales; else they are kept in ingest_rejects';
