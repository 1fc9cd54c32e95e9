-- What a database of schema 2 holds on an ordinary day. {photo} stands for the bytes of a picture, which each database writes in its own way. No number is
-- given to a row that the database numbers itself.
INSERT INTO conversation (public_id, channel, chat, profile, state, version, ready, wake, created, active) VALUES
    ('c-guided', 'hook:shop', 'm-1', '{"terminal_no": "10023345"}', '{"id": "c-guided", "phase": "guiding", "topic": "printer", "visited": ["printer"], "expecting": "step:reload-paper", "left": null, "odds": [], "offered": [], "findings": [], "asked": [], "unknown": [], "reasked": null, "in_row": 0, "steps": [], "explained": [], "detailed": null, "closing": false, "slots": [], "skipped": [], "collected": 0, "handing_over": null, "attachments": [], "parked": [], "words": "打印机不出纸", "turns": 0, "confusions": 0, "waiting": false, "angry": false, "desperate": false, "acknowledged": false, "undo": [], "before": null, "number": null, "tickets": 0, "ticket_at": null, "last_at": "2025-10-09T16:53:20"}', 1, 1760000010000000, NULL, 1760000000000000, 1760000000000000),
    ('c-silent', 'hook:shop', 'm-2', '{}', '{"id": "c-silent", "phase": "collecting", "topic": null, "visited": [], "expecting": "story", "left": null, "odds": [], "offered": [], "findings": [], "asked": [], "unknown": [], "reasked": null, "in_row": 0, "steps": [], "explained": [], "detailed": null, "closing": false, "slots": [], "skipped": [], "collected": 0, "handing_over": "wish", "attachments": [], "parked": [], "words": "", "turns": 0, "confusions": 0, "waiting": false, "angry": false, "desperate": false, "acknowledged": false, "undo": [], "before": null, "number": null, "tickets": 0, "ticket_at": null, "last_at": "2025-10-09T16:53:20"}', 1, NULL, 1760000600000000, 1760000000000000, 1760000000000000),
    ('c-ticket', 'web', '5f0c', '{}', NULL, 1, NULL, NULL, 1760000000000000, 1760000000000000);

INSERT INTO inbox (channel, ext_id, conversation, kind, body, status, error, received)
SELECT channel, chat || '/1', id, 'said', '{"text": "打印机不出纸", "secrets": []}', 'done', NULL, 1760000000000000 FROM conversation;
INSERT INTO inbox (channel, ext_id, conversation, kind, body, status, error, received)
SELECT channel, chat || '/2', id, 'said', 'no JSON', 'dead', 'ValueError', 1760000005000000 FROM conversation WHERE public_id = 'c-ticket';
INSERT INTO inbox (channel, ext_id, conversation, kind, body, status, error, received)
SELECT channel, chat || '/3', id, 'chose', '{"choice": "step:reload-paper=failed"}', 'new', NULL, 1760000010000000 FROM conversation WHERE public_id = 'c-guided';

INSERT INTO message (conversation, event, side, body, knowledge, at)
SELECT c.id, i.id, 'merchant', '{"text": "打印机不出纸"}', 'dfa95dfb2f97', i.received FROM inbox AS i JOIN conversation AS c ON c.id = i.conversation WHERE i.ext_id LIKE '%/1';
INSERT INTO message (conversation, event, side, body, knowledge, at)
SELECT c.id, i.id, 'bot', '{"bubbles": ["打开纸仓，把纸取出来重装。"], "choices": [{"id": "step:reload-paper=failed", "label": "还是不行"}]}', 'dfa95dfb2f97', i.received
FROM inbox AS i JOIN conversation AS c ON c.id = i.conversation WHERE i.ext_id LIKE '%/1';

INSERT INTO outbox (lane, dedupe, conversation, message, status, tries, not_before, lease, remote_id, error, created)
SELECT c.channel || ':' || c.chat, m.event || ':1', c.id, m.id, 'sending', 1, m.at, m.at + 30000000, NULL, '500', m.at
FROM message AS m JOIN conversation AS c ON c.id = m.conversation WHERE m.side = 'bot' AND c.public_id = 'c-guided';
INSERT INTO outbox (lane, dedupe, conversation, message, status, tries, not_before, lease, remote_id, error, created)
SELECT c.channel || ':' || c.chat, m.event || ':1', c.id, m.id, 'sent', 0, m.at, NULL, '', NULL, m.at
FROM message AS m JOIN conversation AS c ON c.id = m.conversation WHERE m.side = 'bot' AND c.public_id = 'c-silent';

INSERT INTO ticket (public_id, number, conversation, origin, status, urgency, reason, topic, packet, opened)
SELECT 't-open', '1009-1', i.conversation, i.id, 'open', 'U1', 'wish', 'printer', '{"number": "1009-1", "facts": []}', 1760000000000000
FROM inbox AS i JOIN conversation AS c ON c.id = i.conversation WHERE i.ext_id LIKE '%/1' AND c.public_id = 'c-ticket';
INSERT INTO ticket (public_id, number, conversation, origin, status, urgency, reason, topic, packet, opened)
SELECT 't-closed', '1009-2', i.conversation, i.id, 'closed', 'U3', 'stuck', NULL, '{"number": "1009-2", "facts": []}', 1760000000000000
FROM inbox AS i WHERE i.ext_id LIKE '%/2';

INSERT INTO rating (event, conversation, topic, stars, at)
SELECT i.id, i.conversation, 'printer', 5, 1760000000000000 FROM inbox AS i JOIN conversation AS c ON c.id = i.conversation WHERE i.ext_id LIKE '%/1' AND c.public_id = 'c-silent';
INSERT INTO photo (id, channel, chat, mime, width, height, data, at) VALUES ('p-1', 'web', '5f0c', 'image/jpeg', 8, 6, {photo}, 1760000000000000);
