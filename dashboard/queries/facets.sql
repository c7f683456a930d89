-- GET /api/v2/overview: from, to
-- Counts of whole hours by a facet's value.
SELECT value, sum(count) FROM facet_counts
WHERE facet = :facet AND hour >= :from AND hour < :to
GROUP BY value
