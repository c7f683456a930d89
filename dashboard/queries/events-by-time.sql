-- GET /api/v2/events: from, to
-- Newest first, from the index alone.
SELECT id, time, priority, rule, source, hostname, tags FROM events
WHERE time >= :from AND time < :to
ORDER BY time DESC, id DESC
