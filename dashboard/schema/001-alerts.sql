-- The tables of a day's file. Times are nanoseconds since 1970, UTC.
-- Ids grow by arrival and go on from file to file.

CREATE TABLE events (
	id       INTEGER PRIMARY KEY,
	time     INTEGER NOT NULL,
	uuid     BLOB NOT NULL,
	priority INTEGER NOT NULL, -- enum priority: 0 is Emergency
	rule     INTEGER NOT NULL, -- this and the next three: words.id
	source   INTEGER NOT NULL,
	hostname INTEGER NOT NULL,
	tags     INTEGER NOT NULL, -- all tags of the alert as one word, a line each
	json     TEXT NOT NULL     -- as alert_write() makes it
);
-- Covers all that a filter without text needs.
CREATE INDEX events_by_time ON events (time, id, priority, rule, source, hostname, tags);
CREATE UNIQUE INDEX events_by_uuid ON events (uuid);

CREATE TABLE words (
	id   INTEGER PRIMARY KEY, -- from 1; 0 stands for "other" in facet_counts
	text TEXT NOT NULL UNIQUE
);

CREATE TABLE minute_counts (
	minute   INTEGER NOT NULL, -- since 1970
	priority INTEGER NOT NULL,
	rule     INTEGER NOT NULL,
	count    INTEGER NOT NULL,
	PRIMARY KEY (minute, priority, rule)
) WITHOUT ROWID;

CREATE TABLE facet_counts (
	facet INTEGER NOT NULL, -- enum facet
	hour  INTEGER NOT NULL, -- since 1970
	value INTEGER NOT NULL, -- words.id; 0: what came after the first 1000 values of the hour
	count INTEGER NOT NULL,
	PRIMARY KEY (facet, hour, value)
) WITHOUT ROWID;

-- Which alerts have which three characters in a row in their values. It knows candidates only;
-- what they really hold is read from events.json. Filled behind the events: meta.indexed.
CREATE VIRTUAL TABLE search USING fts5 (
	text, content = '', columnsize = 0, detail = none, tokenize = 'trigram'
);

CREATE TABLE meta (
	key   TEXT PRIMARY KEY,
	value INTEGER NOT NULL
) WITHOUT ROWID;
INSERT INTO meta VALUES ('indexed', 0);

PRAGMA user_version = 1;
