-- GET /api/v2/events
-- Words that a reader does not know yet.
SELECT id, text FROM words WHERE id > :after ORDER BY id
