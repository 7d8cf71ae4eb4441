-- How many refunds have another sale, or none, than the rule gives. Reads all refunds. Indexes: those of the view.
SELECT count(*) FROM trackai.v_wrong_refund_links
