-- Postings of a tenant whose digest, entries or sums are not those of their entries, and gaps in their numbers, in order.
-- Indexes: ledger_postings' primary key, sales_ledger_by_posting; the ledger is read once.
WITH lines AS (
    SELECT l.posting_no, l.currency, l.amount,
           concat_ws('|', l.source, l.source_ref, l.user_id, l.revision, l.sale_day, l.amount, l.units, l.currency) COLLATE "C" AS line
    FROM trackai.sales_ledger l
    WHERE l.tenant_id = %(tenant_id)s
), digests AS (
    SELECT posting_no, count(*) AS entries, string_agg(line, E'\n' ORDER BY line) AS text FROM lines GROUP BY posting_no
), sums AS (
    SELECT s.posting_no, jsonb_object_agg(s.currency, s.amount::text) AS amounts
    FROM (SELECT posting_no, currency, sum(amount) AS amount FROM lines GROUP BY 1, 2) s
    GROUP BY s.posting_no
), postings AS (
    SELECT p.posting_no, p.entries, p.amount_by_currency, p.digest,
           row_number() OVER (ORDER BY p.posting_no) AS place,
           lag(p.digest, 1, repeat('0', 64)) OVER (ORDER BY p.posting_no) AS digest_before
    FROM trackai.ledger_postings p
    WHERE p.tenant_id = %(tenant_id)s
)
SELECT coalesce(p.posting_no, d.posting_no) AS posting_no,
       CASE WHEN p.posting_no IS NULL THEN 'has entries, but is not there'
            WHEN d.posting_no IS NULL THEN 'has no entries'
            WHEN p.place <> p.posting_no AND p.digest_before IS NOT NULL AND p.entries = d.entries
                AND p.digest = encode(sha256(convert_to(p.digest_before || E'\n' || d.text, 'UTF8')), 'hex') THEN 'comes after a gap'
            WHEN p.entries <> d.entries OR p.amount_by_currency <> s.amounts THEN 'has other entries or sums'
            ELSE 'has another digest' END AS said
FROM postings p
FULL JOIN digests d ON d.posting_no = p.posting_no
LEFT JOIN sums s ON s.posting_no = d.posting_no
WHERE p.posting_no IS NULL OR d.posting_no IS NULL OR p.place <> p.posting_no OR p.entries <> d.entries
   OR p.amount_by_currency <> s.amounts
   OR p.digest <> encode(sha256(convert_to(p.digest_before || E'\n' || d.text, 'UTF8')), 'hex')
ORDER BY 1
