-- GET /api/v2/events: q
-- Ids of the candidates, latest arrival first.
SELECT rowid FROM search WHERE search MATCH :match ORDER BY rowid DESC
