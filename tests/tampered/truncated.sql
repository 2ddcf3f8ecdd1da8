-- finds: truncated 280
-- The last rows are deleted, the head is left.
delete from entries where i >= 280;
