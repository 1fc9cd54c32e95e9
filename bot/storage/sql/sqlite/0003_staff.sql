CREATE TABLE staff (
    id          INTEGER PRIMARY KEY,
    login       TEXT    NOT NULL,
    name        TEXT    NOT NULL,
    role        TEXT    NOT NULL CHECK (role IN ('staff', 'lead', 'editor', 'admin')),
    groups      TEXT    NOT NULL DEFAULT '[]',
    on_duty     INTEGER NOT NULL DEFAULT 0,
    disabled    INTEGER NOT NULL DEFAULT 0,
    must_change INTEGER NOT NULL DEFAULT 0,
    password    TEXT    NOT NULL,
    created     INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX staff_login ON staff (lower(login));

CREATE TABLE session (
    hash    TEXT    PRIMARY KEY,
    staff   INTEGER NOT NULL REFERENCES staff (id) ON DELETE CASCADE,
    created INTEGER NOT NULL,
    seen    INTEGER NOT NULL
) STRICT;
CREATE INDEX session_staff ON session (staff);

-- Names, not references: what somebody did stays known when the account is gone.
CREATE TABLE audit (
    id      INTEGER PRIMARY KEY AUTOINCREMENT,
    at      INTEGER NOT NULL,
    actor   TEXT    NOT NULL,
    what    TEXT    NOT NULL,
    subject TEXT    NOT NULL,
    detail  TEXT    NOT NULL
) STRICT;
CREATE INDEX audit_subject ON audit (subject, id);
