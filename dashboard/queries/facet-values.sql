-- writer
-- How many values of a facet are counted in an hour.
SELECT count(*) FROM facet_counts WHERE facet = :facet AND hour = :hour
