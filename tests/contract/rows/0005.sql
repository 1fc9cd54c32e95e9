-- What schema 5 can hold besides: a colleague who is known in the staff's group, the topic of a ticket, a message in it, and what came from the group.
INSERT INTO staff (login, name, role, groups, on_duty, disabled, must_change, password, created, telegram) VALUES ('li', 'Li', 'staff', '[]', {yes}, {no}, {no}, 'kept', 1760000000000000, 5000000001);
INSERT INTO staff_code (staff, hash, until) SELECT id, 'hash', 1760000000000000 FROM staff WHERE login = 'li';
INSERT INTO forum_topic (ticket, chat, thread, card, title) SELECT id, -1002000000001, 2, 3, 'U1' FROM ticket WHERE public_id = 't-open';
INSERT INTO forum_line (chat, post, message, ticket, mark) SELECT -1002000000001, 4, 1, id, '' FROM ticket WHERE public_id = 't-open';
INSERT INTO forum_update (ext_id, lane, body, received) VALUES ('1/-1002000000001/5', '-1002000000001/2', '{}', 1760000000000000);
INSERT INTO forum_alarm (ticket, ext_id, staff, text, due) SELECT id, 'a', 'li', 'call', 1760000000000000 FROM ticket WHERE public_id = 't-open';
INSERT INTO forum_fact (name, value, at) VALUES ('hint:stranger:1', '', 1760000000000000);
