CREATE TABLE conversation (
    id        INTEGER PRIMARY KEY,
    public_id TEXT    NOT NULL UNIQUE,
    channel   TEXT    NOT NULL,
    chat      TEXT    NOT NULL,
    profile   TEXT    NOT NULL,
    state     TEXT,
    version   INTEGER NOT NULL DEFAULT 0,
    ready     INTEGER,
    wake      INTEGER,
    wakes     INTEGER NOT NULL DEFAULT 0,
    created   INTEGER NOT NULL,
    active    INTEGER NOT NULL,
    UNIQUE (channel, chat)
) STRICT;
CREATE INDEX conversation_ready ON conversation (ready) WHERE ready IS NOT NULL;
CREATE INDEX conversation_wake ON conversation (wake) WHERE wake IS NOT NULL;
CREATE INDEX conversation_active ON conversation (active);

CREATE TABLE inbox (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    channel      TEXT    NOT NULL,
    ext_id       TEXT    NOT NULL,
    conversation INTEGER NOT NULL REFERENCES conversation (id) ON DELETE CASCADE,
    kind         TEXT    NOT NULL,
    body         TEXT    NOT NULL,
    status       TEXT    NOT NULL DEFAULT 'new' CHECK (status IN ('new', 'done', 'dead')),
    error        TEXT,
    received     INTEGER NOT NULL,
    UNIQUE (channel, ext_id)
) STRICT;
CREATE INDEX inbox_new ON inbox (conversation, id) WHERE status = 'new';
CREATE INDEX inbox_conversation ON inbox (conversation);

CREATE TABLE message (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    conversation INTEGER NOT NULL REFERENCES conversation (id) ON DELETE CASCADE,
    event        INTEGER,
    side         TEXT    NOT NULL CHECK (side IN ('merchant', 'bot', 'staff')),
    body         TEXT    NOT NULL,
    knowledge    TEXT    NOT NULL,
    at           INTEGER NOT NULL
) STRICT;
CREATE INDEX message_conversation ON message (conversation, id);

CREATE TABLE ticket (
    id           INTEGER PRIMARY KEY,
    public_id    TEXT    NOT NULL UNIQUE,
    number       TEXT    NOT NULL,
    conversation INTEGER NOT NULL REFERENCES conversation (id) ON DELETE CASCADE,
    origin       INTEGER NOT NULL UNIQUE,
    status       TEXT    NOT NULL DEFAULT 'open' CHECK (status IN ('open', 'closed')),
    urgency      TEXT    NOT NULL,
    reason       TEXT    NOT NULL,
    topic        TEXT,
    packet       TEXT    NOT NULL,
    opened       INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX ticket_open ON ticket (conversation) WHERE status <> 'closed';

CREATE TABLE outbox (
    id              INTEGER PRIMARY KEY AUTOINCREMENT,
    lane            TEXT    NOT NULL,
    dedupe          TEXT    NOT NULL UNIQUE,
    conversation    INTEGER NOT NULL REFERENCES conversation (id) ON DELETE CASCADE,
    message         INTEGER NOT NULL,
    status          TEXT    NOT NULL DEFAULT 'new' CHECK (status IN ('new', 'sending', 'sent', 'dead')),
    tries           INTEGER NOT NULL DEFAULT 0,
    not_before      INTEGER NOT NULL,
    lease           INTEGER,
    remote_id       TEXT,
    maybe_duplicate INTEGER NOT NULL DEFAULT 0,
    error           TEXT,
    created         INTEGER NOT NULL
) STRICT;
CREATE INDEX outbox_lane ON outbox (lane, id) WHERE status IN ('new', 'sending');
CREATE INDEX outbox_due ON outbox (not_before, id) WHERE status IN ('new', 'sending');
CREATE INDEX outbox_conversation ON outbox (conversation);

CREATE TABLE rating (
    event        INTEGER PRIMARY KEY,
    conversation INTEGER NOT NULL REFERENCES conversation (id) ON DELETE CASCADE,
    topic        TEXT    NOT NULL,
    stars        INTEGER NOT NULL,
    at           INTEGER NOT NULL
) STRICT;
CREATE INDEX rating_conversation ON rating (conversation);

CREATE TABLE photo (
    id      TEXT    PRIMARY KEY,
    channel TEXT    NOT NULL,
    chat    TEXT    NOT NULL,
    mime    TEXT    NOT NULL,
    width   INTEGER NOT NULL,
    height  INTEGER NOT NULL,
    data    BLOB    NOT NULL,
    at      INTEGER NOT NULL
) STRICT;
CREATE INDEX photo_chat ON photo (channel, chat);
CREATE INDEX photo_at ON photo (at);
