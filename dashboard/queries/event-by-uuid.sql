-- GET /api/v2/events/UUID: uuid
SELECT id, time, priority, rule, source, hostname, tags, json FROM events WHERE uuid = :uuid
