-- writer
INSERT INTO search (rowid, text) VALUES (:id, :text)
