-- writer
SELECT id FROM words WHERE text = :text
