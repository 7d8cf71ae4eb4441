-- Keeps the plans of this transaction to nested loops over indexes, in their order. It is what they are whenever the
-- server knows the tables; a server that has not analysed them since a bulk load may sort or hash a whole table for
-- each batch instead. Every look-up of matching has an index, so nothing needs another plan.
SELECT set_config('enable_hashjoin', 'off', true),
       set_config('enable_mergejoin', 'off', true),
       set_config('enable_seqscan', 'off', true),
       set_config('enable_bitmapscan', 'off', true),
       set_config('enable_sort', 'off', true)
