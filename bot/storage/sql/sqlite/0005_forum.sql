-- The staff's group on Telegram: who is who there, the topic of each ticket as it was shown last, and what came from the group and is not handled yet.
ALTER TABLE staff ADD COLUMN telegram INTEGER;
CREATE UNIQUE INDEX staff_telegram ON staff (telegram) WHERE telegram IS NOT NULL;

-- A code that somebody sends to the bot to say whose account is whose; of the code only its hash is kept.
CREATE TABLE staff_code (
    staff INTEGER PRIMARY KEY REFERENCES staff (id) ON DELETE CASCADE,
    hash  TEXT    NOT NULL UNIQUE,
    until INTEGER NOT NULL
) STRICT;

-- `version` is that of the conversation when everything was shown, `stamp` counts what somebody changed in the topic itself; `doing` a call that may have arrived although nobody knows; `done`: nothing more will come. Where the
-- ticket is gone, the topic has to go too.
CREATE TABLE forum_topic (
    id         INTEGER PRIMARY KEY,
    ticket     INTEGER UNIQUE REFERENCES ticket (id) ON DELETE SET NULL,
    chat       INTEGER NOT NULL,
    thread     INTEGER,
    card       INTEGER,
    pinned     INTEGER NOT NULL DEFAULT 0,
    title      TEXT    NOT NULL DEFAULT '',
    shown      TEXT    NOT NULL DEFAULT '',
    closed     INTEGER NOT NULL DEFAULT 0,
    line       INTEGER NOT NULL DEFAULT 0,
    deed       INTEGER NOT NULL DEFAULT 0,
    doing      TEXT    NOT NULL DEFAULT '',
    menu       TEXT    NOT NULL DEFAULT '',
    menu_until INTEGER,
    stamp      INTEGER NOT NULL DEFAULT 0,
    version    INTEGER NOT NULL DEFAULT -1,
    done       INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE UNIQUE INDEX forum_topic_thread ON forum_topic (chat, thread) WHERE thread IS NOT NULL;
CREATE INDEX forum_topic_doing ON forum_topic (ticket) WHERE NOT done;
CREATE INDEX forum_topic_orphan ON forum_topic (id) WHERE ticket IS NULL;

-- Which message of a topic is which line of the transcript; `mark` is what staff see of a line's fate, empty as long as nobody knows it.
CREATE TABLE forum_line (
    chat    INTEGER NOT NULL,
    post    INTEGER NOT NULL,
    message INTEGER NOT NULL,
    ticket  INTEGER NOT NULL REFERENCES ticket (id) ON DELETE CASCADE,
    mark    TEXT    NOT NULL,
    PRIMARY KEY (chat, post, message)
) STRICT, WITHOUT ROWID;
CREATE INDEX forum_line_message ON forum_line (message);
CREATE INDEX forum_line_ticket ON forum_line (ticket);
CREATE INDEX forum_line_waiting ON forum_line (ticket) WHERE mark = '';
CREATE INDEX forum_line_taken_out ON forum_line (post) WHERE mark = 'taken-out';

CREATE TABLE forum_update (
    id       INTEGER PRIMARY KEY AUTOINCREMENT,
    ext_id   TEXT    NOT NULL UNIQUE,
    lane     TEXT    NOT NULL,
    body     TEXT    NOT NULL,
    received INTEGER NOT NULL,
    handled  INTEGER
) STRICT;
CREATE INDEX forum_update_waiting ON forum_update (id) WHERE handled IS NULL;

-- What is due in a topic at a time: a reminder that somebody asked for.
CREATE TABLE forum_alarm (
    id     INTEGER PRIMARY KEY AUTOINCREMENT,
    ticket INTEGER NOT NULL REFERENCES ticket (id) ON DELETE CASCADE,
    ext_id TEXT    NOT NULL UNIQUE,
    staff  TEXT    NOT NULL,
    text   TEXT    NOT NULL,
    due    INTEGER NOT NULL,
    given  INTEGER
) STRICT;
CREATE INDEX forum_alarm_due ON forum_alarm (due) WHERE given IS NULL;

-- What was posted once, by name: hints to people without an account, proposals of incidents, reports by day, where a group has moved to.
CREATE TABLE forum_fact (
    name  TEXT    PRIMARY KEY,
    value TEXT    NOT NULL,
    at    INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
