-- GET /api/v2/events: q
-- A block's alerts, latest arrival first.
SELECT id, time, priority, rule, source, hostname, tags, json FROM events
WHERE id >= :first AND id <= :last
ORDER BY id DESC
