-- The conversions of a UTC day, each with what became of it, for stage_credit.sql to fill. Index: none, they are read whole.
-- It goes with the transaction.
CREATE TEMPORARY TABLE day_credit (
    tenant_id text COLLATE "C" NOT NULL,
    currency text COLLATE "C" NOT NULL,
    value numeric NOT NULL,
    matched boolean NOT NULL,
    reason text COLLATE "C" NOT NULL,
    entries bigint NOT NULL,
    amount numeric NOT NULL,
    entries_then bigint NOT NULL,
    amount_then numeric NOT NULL,
    of_unmatched boolean NOT NULL,
    doubled boolean NOT NULL,
    of_another boolean NOT NULL
) ON COMMIT DROP
