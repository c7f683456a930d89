-- GET /api/v2/facets: from, to, q
-- Counts of whole hours by a facet's value, rule and priority.
SELECT value, rule, priority, count FROM rule_facet_counts
WHERE facet = :facet AND hour >= :from AND hour < :to
