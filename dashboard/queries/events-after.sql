-- GET /api/v2/stream: after
-- In the order of arrival; also what the search index does not know yet.
SELECT id, time, priority, rule, source, hostname, tags, json FROM events
WHERE id > :after
ORDER BY id
LIMIT :limit
