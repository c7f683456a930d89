-- GET /api/v2/overview, GET /api/v2/histogram: from, to
-- Counts of whole hours, put together into steps of so many hours.
SELECT hour - hour % :step, priority, rule, sum(count) FROM hour_sums
WHERE hour >= :from AND hour < :to
GROUP BY 1, 2, 3
