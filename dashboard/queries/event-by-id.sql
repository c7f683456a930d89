-- GET /api/v2/events: q
SELECT id, time, priority, rule, source, hostname, tags, json FROM events WHERE id = :id
