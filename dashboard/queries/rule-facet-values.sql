-- writer
-- How many values of a facet are counted by rule in an hour.
SELECT count(*) FROM rule_facet_counts WHERE facet = :facet AND hour = :hour
