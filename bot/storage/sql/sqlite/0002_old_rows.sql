-- What is old, or dead, is found without reading everything: the nightly forgetting and the health check take no longer when more is stored.
CREATE INDEX inbox_ended ON inbox (received) WHERE status <> 'new';
CREATE INDEX message_at ON message (at);
CREATE INDEX outbox_ended ON outbox (created) WHERE status IN ('sent', 'dead');
CREATE INDEX outbox_dead ON outbox (id) WHERE status = 'dead';
