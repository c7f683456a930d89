-- GET /api/v2/events
SELECT text FROM words WHERE id = :id
