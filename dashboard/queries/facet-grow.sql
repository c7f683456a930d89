-- writer
-- Adds to a value that is counted in this hour already; changes nothing otherwise.
UPDATE facet_counts SET count = count + :count
WHERE facet = :facet AND hour = :hour AND value = :value
