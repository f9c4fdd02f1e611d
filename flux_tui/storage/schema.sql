-- The database, in numbered steps; PRAGMA user_version holds the last step done.
-- Order is by seq, never by time: clocks jump.

-- step 1
CREATE TABLE session (
    id TEXT PRIMARY KEY,
    title TEXT NOT NULL,
    system TEXT NOT NULL,
    folder TEXT NOT NULL,
    created TEXT NOT NULL,
    updated TEXT NOT NULL,
    used INTEGER NOT NULL,
    head TEXT,
    claim TEXT NOT NULL DEFAULT ''
);
CREATE INDEX session_used ON session (used);
CREATE TABLE message (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    session TEXT NOT NULL REFERENCES session (id) ON DELETE CASCADE,
    id TEXT NOT NULL,
    parent TEXT,
    role TEXT NOT NULL,
    at TEXT NOT NULL,
    text TEXT NOT NULL,
    body TEXT NOT NULL,
    model TEXT,
    input INTEGER,
    cache_read INTEGER,
    cache_write INTEGER,
    output INTEGER,
    reasoning INTEGER,
    cost_usd TEXT,
    cost_basis TEXT,
    cost_as_of TEXT,
    UNIQUE (session, id)
);
CREATE INDEX message_order ON message (session, seq);
CREATE INDEX message_answers ON message (at) WHERE model IS NOT NULL;
CREATE INDEX message_prompts ON message (seq) WHERE role = 'user';
CREATE TABLE draft (
    session TEXT NOT NULL REFERENCES session (id) ON DELETE CASCADE,
    id TEXT NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (session, id)
);
CREATE TABLE blob (sha256 TEXT PRIMARY KEY, data BLOB NOT NULL);
CREATE TABLE blob_use (
    session TEXT NOT NULL REFERENCES session (id) ON DELETE CASCADE,
    sha256 TEXT NOT NULL REFERENCES blob (sha256),
    PRIMARY KEY (session, sha256)
);
CREATE TABLE state (key TEXT PRIMARY KEY, value TEXT NOT NULL);

-- step 2
CREATE TABLE vote (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    at TEXT NOT NULL,
    session TEXT NOT NULL,
    models TEXT NOT NULL,
    outcome TEXT NOT NULL,
    winner TEXT NOT NULL,
    tag TEXT NOT NULL,
    blind INTEGER NOT NULL
);

-- step 3
-- Not bound to the session's row: what the disk refused is written when it takes things again.
CREATE TABLE notice (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    session TEXT NOT NULL,
    after TEXT,
    kind TEXT NOT NULL,
    text TEXT NOT NULL
);
CREATE INDEX notice_order ON notice (session, seq);
