-- What the domain's migration would hold: its table, its retention row, and what the columns mean.
CREATE TABLE trackai.toy_calls (
    tenant_id text COLLATE "C" NOT NULL REFERENCES trackai.tenants (id),
    call_id text COLLATE "C" NOT NULL,
    called_at timestamptz NOT NULL,
    seconds integer NOT NULL,
    order_id text COLLATE "C",
    user_id text COLLATE "C",
    email_hash text COLLATE "C",
    ip inet,
    user_agent text,
    anonymised_at timestamptz,
    PRIMARY KEY (tenant_id, call_id, called_at)
) PARTITION BY RANGE (called_at);

INSERT INTO trackai.retention_policies (table_name, keep, grace, action, anonymise_after)
VALUES ('toy_calls', '30 days', '0', 'archive_then_drop', '10 days');
