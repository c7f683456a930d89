-- writer
INSERT OR REPLACE INTO day_sums (facet, day, value, count)
SELECT facet, (hour - (hour % 24 + 24) % 24) / 24, value, sum(count) FROM facet_counts GROUP BY 1, 2, 3
