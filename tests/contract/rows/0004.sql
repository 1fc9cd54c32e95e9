-- What schema 4 can hold besides: a ticket that somebody has taken.
UPDATE ticket SET status = 'taken', team = 'service', owner = 'wang' WHERE public_id = 't-open';
INSERT INTO ticket_event (ticket, event, actor, act, done, detail, at) SELECT id, origin, 'wang', 'take', {yes}, '{}', 1760000000000000 FROM ticket WHERE public_id = 't-open';
