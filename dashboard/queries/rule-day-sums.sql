-- GET /api/v2/facets: from, to, q
-- Counts of whole days by a facet's value, rule and priority.
SELECT value, rule, priority, count FROM rule_day_sums
WHERE facet = :facet AND day >= :from AND day < :to
