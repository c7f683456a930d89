-- writer
INSERT OR REPLACE INTO rule_day_sums (facet, day, rule, priority, value, count)
SELECT facet, (hour - (hour % 24 + 24) % 24) / 24, rule, priority, value, sum(count)
FROM rule_facet_counts GROUP BY 1, 2, 3, 4, 5
