-- Schema 2 has new indexes, and nothing more to keep.
SELECT 1;
