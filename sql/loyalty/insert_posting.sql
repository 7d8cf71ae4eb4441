-- Closes posting %(posting_no)s of a tenant: the number and sums of its entries, and their digest, which goes on from that
-- of the posting before. Returns the sums by currency.
-- Indexes: sales_ledger_by_posting, ledger_postings' primary key. Guarantees: the same entries give the same digest, in
-- whatever order they are stored.
WITH lines AS MATERIALIZED (
    SELECT l.currency, l.amount,
           concat_ws('|', l.source, l.source_ref, l.user_id, l.revision, l.sale_day, l.amount, l.units, l.currency) COLLATE "C" AS line
    FROM trackai.sales_ledger l
    WHERE l.tenant_id = %(tenant_id)s AND l.posting_no = %(posting_no)s
), sums AS (
    SELECT currency, sum(amount) AS amount FROM lines GROUP BY currency
), posting AS (
    INSERT INTO trackai.ledger_postings
        (tenant_id, posting_no, posted_at, run_id, entries, amount_by_currency, digest, created_at)
    SELECT %(tenant_id)s, %(posting_no)s, %(now)s, %(run_id)s, count(*),
           (SELECT jsonb_object_agg(s.currency, s.amount::text) FROM sums s),
           encode(sha256(convert_to(
               coalesce((
                   SELECT p.digest FROM trackai.ledger_postings p
                   WHERE p.tenant_id = %(tenant_id)s AND p.posting_no = %(posting_no)s - 1
               ), repeat('0', 64)) || E'\n' || string_agg(line, E'\n' ORDER BY line), 'UTF8')), 'hex'),
           %(now)s
    FROM lines
)
SELECT currency, amount FROM sums
