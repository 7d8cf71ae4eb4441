-- Campaigns: how long rows stay, and how those of an old day are found.

-- lifecycle/: rows of a day in tables that are not partitioned. Rows come nearly in order; a few kB instead of a B-tree.
-- Tables with few rows a day have none: they are read whole.
CREATE INDEX ad_cost_statements_by_day ON trackai.ad_cost_statements
    USING brin (day date_minmax_multi_ops) WITH (pages_per_range = 32, autosummarize = on);
CREATE INDEX conversion_journeys_of_all_by_day ON trackai.conversion_journeys
    USING brin (day date_minmax_multi_ops) WITH (pages_per_range = 32, autosummarize = on);
CREATE INDEX conversion_buyers_of_all_by_day ON trackai.conversion_buyers
    USING brin (day date_minmax_multi_ops) WITH (pages_per_range = 32, autosummarize = on);
CREATE INDEX campaign_credit_daily_of_all_by_day ON trackai.campaign_credit_daily
    USING brin (date date_minmax_multi_ops) WITH (pages_per_range = 32, autosummarize = on);
CREATE INDEX campaign_daily_money_of_all_by_day ON trackai.campaign_daily_money
    USING brin (date date_minmax_multi_ops) WITH (pages_per_range = 32, autosummarize = on);
CREATE INDEX campaign_analytics_daily_of_all_by_day ON trackai.campaign_analytics_daily
    USING brin (date date_minmax_multi_ops) WITH (pages_per_range = 32, autosummarize = on);
CREATE INDEX campaign_analytics_segments_of_all_by_day ON trackai.campaign_analytics_segments
    USING brin (date date_minmax_multi_ops) WITH (pages_per_range = 32, autosummarize = on);
CREATE INDEX campaign_trend_data_of_all_by_day ON trackai.campaign_trend_data
    USING brin (period timestamptz_minmax_multi_ops) WITH (pages_per_range = 32, autosummarize = on);

-- Touches hang on clicks, which leave after 400 days. Figures stay for comparisons with earlier years.
INSERT INTO trackai.retention_policies (table_name, keep, action) VALUES
    ('conversion_journeys', '400 days', 'archive_then_drop'),
    ('conversion_buyers', '400 days', 'archive_then_drop'),
    ('ad_cost_statements', '5 years', 'archive_then_drop'),
    ('fx_rates', '5 years', 'archive_then_drop'),
    ('campaign_credit_daily', '5 years', 'archive_then_drop'),
    ('campaign_daily_money', '5 years', 'archive_then_drop'),
    ('campaign_cohorts', '5 years', 'archive_then_drop'),
    ('campaign_analytics_daily', '5 years', 'archive_then_drop'),
    ('campaign_analytics_segments', '5 years', 'archive_then_drop'),
    ('campaign_trend_data', '5 years', 'archive_then_drop'),
    ('campaign_optimizations', '2 years', 'drop'),
    ('attribution_trainings', '2 years', 'drop');
