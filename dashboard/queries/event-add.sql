-- writer
-- An alert; one whose uuid is there already changes nothing.
INSERT OR IGNORE INTO events (id, time, uuid, priority, rule, source, hostname, tags, json)
VALUES (:id, :time, :uuid, :priority, :rule, :source, :hostname, :tags, :json)
