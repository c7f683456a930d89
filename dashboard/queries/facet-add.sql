-- writer
INSERT INTO facet_counts (facet, hour, value, count)
VALUES (:facet, :hour, :value, :count)
ON CONFLICT DO UPDATE SET count = count + excluded.count
