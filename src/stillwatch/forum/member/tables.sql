-- The member's state. Times are microseconds since 1970-01-01 UTC unless a server wrote them.
CREATE TABLE setting (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;

-- How far each collection was read. A walk in progress has the filter it began with (after) and the server's cursor.
CREATE TABLE collection (
    id TEXT PRIMARY KEY, title TEXT NOT NULL, alias TEXT NOT NULL, can_read INTEGER NOT NULL, can_write INTEGER NOT NULL,
    after TEXT NOT NULL DEFAULT '', cursor TEXT NOT NULL DEFAULT '', last TEXT NOT NULL DEFAULT '',
    walking INTEGER NOT NULL DEFAULT 0, doubtful INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;

-- Tables of bodies have rowids: without them, SQLite keeps so little of a row in a page that each body takes one more.
-- Each version once. standing: good, unsigned, unknown (signed by nobody known), bad. gone: why it is not used any more.
CREATE TABLE object (
    collection TEXT NOT NULL, id TEXT NOT NULL, moment INTEGER NOT NULL, type TEXT NOT NULL, version TEXT NOT NULL,
    body BLOB NOT NULL, digest BLOB NOT NULL, standing TEXT NOT NULL, signer TEXT NOT NULL, fetched INTEGER NOT NULL,
    gone TEXT NOT NULL DEFAULT '', PRIMARY KEY (collection, id, moment)
) STRICT;
CREATE INDEX object_standing ON object (standing) WHERE standing IN ('unknown', 'bad');

-- What a server gave that is no object, or contradicts what it gave before.
CREATE TABLE fault (
    collection TEXT NOT NULL, digest BLOB NOT NULL, object TEXT NOT NULL, why TEXT NOT NULL, time INTEGER NOT NULL,
    PRIMARY KEY (collection, digest)
) STRICT, WITHOUT ROWID;

-- Keys of everybody by pseudonyms. source: file (pinned), log, refused (by the log, of somebody who is pinned).
-- since and retired are the log's times.
CREATE TABLE peer (
    pseudonym TEXT NOT NULL, key TEXT NOT NULL, public BLOB NOT NULL, source TEXT NOT NULL DEFAULT 'file',
    since TEXT NOT NULL DEFAULT '', retired TEXT NOT NULL DEFAULT '', PRIMARY KEY (pseudonym, key)
) STRICT, WITHOUT ROWID;

-- What is to be sent. state: ready, sent (no answer yet), pending (status says so), accepted, refused.
CREATE TABLE outbox (
    collection TEXT NOT NULL, id TEXT NOT NULL, moment INTEGER NOT NULL, version TEXT NOT NULL, body BLOB NOT NULL,
    digest BLOB NOT NULL, state TEXT NOT NULL, status TEXT NOT NULL DEFAULT '', message TEXT NOT NULL DEFAULT '',
    time INTEGER NOT NULL, PRIMARY KEY (collection, id, moment)
) STRICT;
CREATE INDEX outbox_state ON outbox (state, collection, time, id, moment);

-- Recalls that were followed here, with the signed acknowledgement, which is sent until the hub has it.
CREATE TABLE recall (
    id TEXT PRIMARY KEY, collection TEXT NOT NULL, object TEXT NOT NULL, kind TEXT NOT NULL, reason TEXT NOT NULL,
    followed INTEGER NOT NULL, envelope TEXT NOT NULL, acknowledged INTEGER
) STRICT, WITHOUT ROWID;

-- Matches pending local evidence. A reason to look at an account; nothing here says what became of one.
CREATE TABLE sighting (
    indicator TEXT NOT NULL, account TEXT NOT NULL, campaigns TEXT NOT NULL, confidence INTEGER NOT NULL,
    requests INTEGER NOT NULL, why TEXT NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL,
    PRIMARY KEY (indicator, account)
) STRICT, WITHOUT ROWID;
