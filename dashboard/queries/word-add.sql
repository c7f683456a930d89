-- writer
INSERT INTO words (text) VALUES (:text)
