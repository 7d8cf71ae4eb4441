-- The entries that a posting is about to make; each differences_of_*.sql adds those of one source.
-- Index: none, it is read whole. It goes with the transaction.
CREATE TEMPORARY TABLE ledger_differences (
    place bigint GENERATED ALWAYS AS IDENTITY,
    source text COLLATE "C" NOT NULL,
    source_ref text COLLATE "C" NOT NULL,
    user_id text COLLATE "C" NOT NULL,
    revision integer NOT NULL,
    sale_day date NOT NULL,
    occurred_at timestamptz,
    amount numeric NOT NULL,
    units bigint NOT NULL,
    currency text COLLATE "C" NOT NULL
) ON COMMIT DROP
