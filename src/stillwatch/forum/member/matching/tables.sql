-- Private matching at a member. Secret: masks, keys, the member's identifiers. What is of an epoch goes as it ends.
CREATE TABLE setting (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;

-- Questions that were sent and whose answers are not all there (forum.matching.pseudonyms.Pending).
CREATE TABLE pending (epoch INTEGER NOT NULL, batch INTEGER NOT NULL, body BLOB NOT NULL, PRIMARY KEY (epoch, batch))
STRICT, WITHOUT ROWID;

CREATE TABLE pseudonym (
    epoch INTEGER NOT NULL, kind TEXT NOT NULL, value TEXT NOT NULL, output BLOB NOT NULL,
    PRIMARY KEY (epoch, kind, value)
) STRICT, WITHOUT ROWID;

-- side: forum.matching.comparison.Comparison. told: the member's offer or acceptance. decision: its consent or refusal.
CREATE TABLE comparison (
    session TEXT PRIMARY KEY, epoch INTEGER NOT NULL, peer TEXT NOT NULL, kinds TEXT NOT NULL, band TEXT NOT NULL,
    side BLOB NOT NULL, told BLOB NOT NULL, decision BLOB, closed TEXT NOT NULL DEFAULT '', time INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- One comparison a pair, kind and epoch, whatever the hub says.
CREATE TABLE compared (
    epoch INTEGER NOT NULL, peer TEXT NOT NULL, kind TEXT NOT NULL, session TEXT NOT NULL,
    PRIMARY KEY (epoch, peer, kind)
) STRICT, WITHOUT ROWID;

-- The member's own identifiers in a comparison, in the order of their rows, and which turned out to be shared.
CREATE TABLE identifier (
    session TEXT NOT NULL, place INTEGER NOT NULL, kind TEXT NOT NULL, value TEXT NOT NULL,
    shared INTEGER NOT NULL DEFAULT 0, PRIMARY KEY (session, place)
) STRICT, WITHOUT ROWID;

-- Joining: the key to which the group's is sealed, the group's key once it is there, what was sent to whom.
CREATE TABLE round (
    epoch INTEGER PRIMARY KEY, exchange BLOB NOT NULL, told BLOB NOT NULL, key BLOB, submission BLOB
) STRICT;
CREATE TABLE sealed (epoch INTEGER NOT NULL, member TEXT NOT NULL, message BLOB NOT NULL, PRIMARY KEY (epoch, member))
STRICT, WITHOUT ROWID;
CREATE TABLE cluster (epoch INTEGER NOT NULL, id TEXT NOT NULL, name TEXT NOT NULL, PRIMARY KEY (epoch, id))
STRICT, WITHOUT ROWID;
