-- writer
INSERT INTO rule_facet_counts (facet, hour, rule, priority, value, count)
VALUES (:facet, :hour, :rule, :priority, :value, :count)
ON CONFLICT DO UPDATE SET count = count + excluded.count
