-- What schema 3 can hold besides.
INSERT INTO staff (login, name, role, password, created) VALUES ('wang', '小王', 'lead', '$argon2id$', 1760000000000000);
