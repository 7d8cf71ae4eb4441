-- The names under which gateways report one sale, for those that report it in events with different ids.
CREATE TABLE trackai.sale_names (
    tenant_id text COLLATE "C" NOT NULL REFERENCES trackai.tenants,
    gateway text COLLATE "C" NOT NULL,
    name text COLLATE "C" NOT NULL CHECK (name <> ''),
    sale_key text COLLATE "C" NOT NULL CHECK (sale_key <> ''),
    PRIMARY KEY (tenant_id, gateway, name)
);

COMMENT ON TABLE trackai.sale_names IS 'Ids by which a gateway''s events name one sale: a checkout session, an invoice, a payment.';
COMMENT ON COLUMN trackai.sale_names.tenant_id IS 'tenant (tenants.id)';
COMMENT ON COLUMN trackai.sale_names.gateway IS 'payment gateway';
COMMENT ON COLUMN trackai.sale_names.name IS 'id in the gateway''s events; each belongs to one sale';
COMMENT ON COLUMN trackai.sale_names.sale_key IS 'the sale (conversions.sale_key)';
