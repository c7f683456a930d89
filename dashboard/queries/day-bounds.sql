-- GET /api/v2/status
SELECT (SELECT min(id) FROM events), (SELECT max(id) FROM events),
       (SELECT min(time) FROM events), (SELECT max(time) FROM events)
