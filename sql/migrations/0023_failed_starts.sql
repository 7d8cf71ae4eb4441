-- How often residents failed to start, and when the next start is due.
CREATE TABLE trackai.failed_starts (
    name text COLLATE "C" PRIMARY KEY,
    failures integer NOT NULL CHECK (failures > 0),
    next_at timestamptz NOT NULL
);

COMMENT ON TABLE trackai.failed_starts IS 'Residents that failed to start. A start that succeeds removes the row.';
COMMENT ON COLUMN trackai.failed_starts.name IS 'what the resident does (leases.name)';
COMMENT ON COLUMN trackai.failed_starts.failures IS 'failed starts since one succeeded';
COMMENT ON COLUMN trackai.failed_starts.next_at IS 'when the next start is due';
