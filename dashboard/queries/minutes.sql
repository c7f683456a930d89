-- GET /api/v2/overview, GET /api/v2/histogram: from, to
-- Counts of whole minutes, put together into steps of so many minutes.
SELECT minute - minute % :step, priority, rule, sum(count) FROM minute_counts
WHERE minute >= :from AND minute < :to
GROUP BY 1, 2, 3
