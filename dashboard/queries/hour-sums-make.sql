-- writer
INSERT OR REPLACE INTO hour_sums (hour, priority, rule, count)
SELECT (minute - (minute % 60 + 60) % 60) / 60, priority, rule, sum(count) FROM minute_counts GROUP BY 1, 2, 3
