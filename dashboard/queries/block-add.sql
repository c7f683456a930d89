-- writer
INSERT OR REPLACE INTO blocks (id, oldest, newest, bits) VALUES (:id, :oldest, :newest, :bits)
