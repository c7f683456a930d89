-- writer
-- Adds to a value that is counted with this rule in this hour already; changes nothing otherwise.
UPDATE rule_facet_counts SET count = count + :count
WHERE facet = :facet AND hour = :hour AND rule = :rule AND priority = :priority AND value = :value
