-- GET /api/v2/overview, GET /api/v2/facets: from, to
-- Counts of whole days by a facet's value.
SELECT value, sum(count) FROM day_sums
WHERE facet = :facet AND day >= :from AND day < :to
GROUP BY value
