-- writer
INSERT INTO minute_counts (minute, priority, rule, count)
VALUES (:minute, :priority, :rule, :count)
ON CONFLICT DO UPDATE SET count = count + excluded.count
