-- How often a facet's value comes together with a rule and a priority, so that facets of what is
-- asked for by rule and priority are exact at once, too. Counted from here on: a file that held
-- alerts before this has meta.by_rule 0, and its facets are then looked for.
CREATE TABLE rule_facet_counts (
	facet    INTEGER NOT NULL, -- enum facet
	hour     INTEGER NOT NULL, -- since 1970
	rule     INTEGER NOT NULL, -- words.id
	priority INTEGER NOT NULL,
	value    INTEGER NOT NULL, -- words.id; 0: what came after the first 4000 of the hour
	count    INTEGER NOT NULL,
	PRIMARY KEY (facet, hour, rule, priority, value)
) WITHOUT ROWID;

-- Whole days of a file that gets no more alerts.
CREATE TABLE rule_day_sums (
	facet    INTEGER NOT NULL,
	day      INTEGER NOT NULL, -- since 1970
	rule     INTEGER NOT NULL,
	priority INTEGER NOT NULL,
	value    INTEGER NOT NULL,
	count    INTEGER NOT NULL,
	PRIMARY KEY (facet, day, rule, priority, value)
) WITHOUT ROWID;

INSERT INTO meta SELECT 'by_rule', CASE WHEN EXISTS (SELECT 1 FROM events) THEN 0 ELSE 1 END;

PRAGMA user_version = 4;
