CREATE TABLE incident (
    id        INTEGER PRIMARY KEY,
    public_id TEXT    NOT NULL UNIQUE,
    topic     TEXT    NOT NULL,
    code      TEXT    NOT NULL,
    acquirer  TEXT    NOT NULL,
    status    TEXT    NOT NULL DEFAULT 'proposed' CHECK (status IN ('proposed', 'announced', 'over', 'dismissed')),
    text      TEXT    NOT NULL DEFAULT '',
    until     TEXT    NOT NULL DEFAULT '',
    author    TEXT    NOT NULL DEFAULT '',
    proposed  INTEGER NOT NULL,
    ended     INTEGER
) STRICT;
CREATE UNIQUE INDEX incident_current ON incident (topic, code, acquirer) WHERE status IN ('proposed', 'announced');

CREATE TABLE ticket_new (
    id           INTEGER PRIMARY KEY,
    public_id    TEXT    NOT NULL UNIQUE,
    number       TEXT    NOT NULL,
    conversation INTEGER NOT NULL REFERENCES conversation (id) ON DELETE CASCADE,
    origin       INTEGER NOT NULL UNIQUE,
    status       TEXT    NOT NULL CHECK (status IN ('open', 'taken', 'waiting-merchant', 'waiting-acquirer', 'solved', 'closed')),
    urgency      TEXT    NOT NULL,
    reason       TEXT    NOT NULL,
    topic        TEXT,
    team         TEXT    NOT NULL DEFAULT '',
    owner        TEXT,
    code         TEXT    NOT NULL DEFAULT '',
    acquirer     TEXT    NOT NULL DEFAULT '',
    packet       TEXT    NOT NULL,
    state        TEXT    NOT NULL DEFAULT '{}',
    opened       INTEGER NOT NULL,
    changed      INTEGER NOT NULL DEFAULT 0,
    waiting      INTEGER,
    due          INTEGER,
    answered     INTEGER,
    solved       INTEGER,
    respond_by   INTEGER,
    late         INTEGER NOT NULL DEFAULT 0,
    overran      INTEGER NOT NULL DEFAULT 0,
    cause        TEXT    NOT NULL DEFAULT '',
    bot_right    TEXT    NOT NULL DEFAULT '',
    previous     TEXT,
    incident     INTEGER REFERENCES incident (id) ON DELETE SET NULL,
    terminal     TEXT    NOT NULL DEFAULT '',
    bot_topic    TEXT    NOT NULL DEFAULT '',
    bot_cause    TEXT    NOT NULL DEFAULT '',
    deadline     INTEGER NOT NULL GENERATED ALWAYS AS (coalesce(due, 9223372036854775807)) VIRTUAL,
    UNIQUE (conversation, number)
) STRICT;
INSERT INTO ticket_new (id, public_id, number, conversation, origin, status, urgency, reason, topic, team, code, acquirer, packet, state, opened, changed)
SELECT id, public_id, number, conversation, origin, status, urgency, reason, topic, '', '', '', packet, '{}', opened, opened FROM ticket
WHERE true ON CONFLICT DO NOTHING;
DROP TABLE ticket;
ALTER TABLE ticket_new RENAME TO ticket;
CREATE UNIQUE INDEX ticket_open ON ticket (conversation) WHERE status NOT IN ('solved', 'closed');
-- What lists are narrowed to and what is counted stands in the index: rows with their long texts are read only when they are shown.
CREATE INDEX ticket_queue ON ticket (urgency, deadline, id, status, owner, team, topic, conversation, due) WHERE status NOT IN ('solved', 'closed');
CREATE INDEX ticket_unassigned ON ticket (urgency, deadline, id, team, topic, conversation) WHERE owner IS NULL AND status NOT IN ('solved', 'closed');
CREATE INDEX ticket_done ON ticket (changed, id, status, owner, team, topic, conversation, urgency) WHERE status IN ('solved', 'closed');
CREATE INDEX ticket_owner ON ticket (owner, urgency, deadline, id) WHERE owner IS NOT NULL AND status NOT IN ('solved', 'closed');
CREATE INDEX ticket_opened ON ticket (opened);
CREATE INDEX ticket_changed ON ticket (changed);
CREATE INDEX ticket_number ON ticket (number);
CREATE INDEX ticket_terminal ON ticket (terminal) WHERE terminal <> '';
CREATE INDEX ticket_incident ON ticket (incident) WHERE incident IS NOT NULL;

CREATE TABLE ticket_event (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    ticket       INTEGER NOT NULL REFERENCES ticket (id) ON DELETE CASCADE,
    event        INTEGER NOT NULL,
    actor        TEXT    NOT NULL,
    act          TEXT    NOT NULL,
    done         INTEGER NOT NULL,
    detail       TEXT    NOT NULL,
    at           INTEGER NOT NULL
) STRICT;
CREATE INDEX ticket_event_ticket ON ticket_event (ticket, id);
CREATE INDEX ticket_event_event ON ticket_event (event);
CREATE INDEX ticket_event_at ON ticket_event (at);

CREATE TABLE presence (
    ticket INTEGER NOT NULL REFERENCES ticket (id) ON DELETE CASCADE,
    login  TEXT    NOT NULL,
    typing INTEGER NOT NULL,
    until  INTEGER NOT NULL,
    PRIMARY KEY (ticket, login)
) STRICT, WITHOUT ROWID;

CREATE TABLE message_new (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    conversation INTEGER NOT NULL REFERENCES conversation (id) ON DELETE CASCADE,
    event        INTEGER,
    side         TEXT    NOT NULL CHECK (side IN ('merchant', 'bot', 'staff', 'note')),
    body         TEXT    NOT NULL,
    knowledge    TEXT    NOT NULL,
    at           INTEGER NOT NULL
) STRICT;
INSERT INTO message_new SELECT id, conversation, event, side, body, knowledge, at FROM message;
DELETE FROM sqlite_sequence WHERE name = 'message_new';
INSERT INTO sqlite_sequence (name, seq) SELECT 'message_new', seq FROM sqlite_sequence WHERE name = 'message';
DROP TABLE message;
ALTER TABLE message_new RENAME TO message;
CREATE INDEX message_conversation ON message (conversation, id);
CREATE INDEX message_at ON message (at);

-- Words of what merchants and staff wrote, as `storage/words.py` cuts them; the rowid is the message's id.
CREATE VIRTUAL TABLE message_words USING fts5 (words, tokenize = 'unicode61 remove_diacritics 0');
CREATE TRIGGER message_forgotten AFTER DELETE ON message BEGIN
    DELETE FROM message_words WHERE rowid = old.id;
END;

ALTER TABLE rating ADD COLUMN number TEXT;
CREATE INDEX rating_at ON rating (at);

-- For reports: a trouble from the event that it began with to its end. `topic` is the latest one; `ended` and `how` are NULL while it lasts.
CREATE TABLE trouble (
    event        INTEGER PRIMARY KEY,
    conversation INTEGER NOT NULL REFERENCES conversation (id) ON DELETE CASCADE,
    topic        TEXT    NOT NULL DEFAULT '',
    began        INTEGER NOT NULL,
    ended        INTEGER,
    how          TEXT    CHECK (how IN ('bot', 'handed', 'left'))
) STRICT;
CREATE UNIQUE INDEX trouble_open ON trouble (conversation) WHERE ended IS NULL;
CREATE INDEX trouble_conversation ON trouble (conversation);
CREATE INDEX trouble_began ON trouble (began);

-- A step that was shown in a trouble; the result is empty as long as the merchant has not said what came of it.
CREATE TABLE trial (
    trouble INTEGER NOT NULL REFERENCES trouble (event) ON DELETE CASCADE,
    topic   TEXT    NOT NULL,
    step    TEXT    NOT NULL,
    result  TEXT    NOT NULL DEFAULT '' CHECK (result IN ('', 'failed', 'answered', 'unable', 'solved')),
    PRIMARY KEY (trouble, topic, step)
) STRICT, WITHOUT ROWID;
