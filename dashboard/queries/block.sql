-- GET /api/v2/events: q
SELECT oldest, newest, bits FROM blocks WHERE id = :id
