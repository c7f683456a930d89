-- What a file that gets no more alerts has in whole hours and days, so that a month is counted from
-- a few thousand rows. Made once, when the file is full or its day is over: meta.summed.
CREATE TABLE hour_sums (
	hour     INTEGER NOT NULL, -- since 1970
	priority INTEGER NOT NULL,
	rule     INTEGER NOT NULL,
	count    INTEGER NOT NULL,
	PRIMARY KEY (hour, priority, rule)
) WITHOUT ROWID;

CREATE TABLE day_sums (
	facet INTEGER NOT NULL,
	day   INTEGER NOT NULL, -- since 1970
	value INTEGER NOT NULL,
	count INTEGER NOT NULL,
	PRIMARY KEY (facet, day, value)
) WITHOUT ROWID;

INSERT INTO meta VALUES ('summed', 0);

PRAGMA user_version = 3;
