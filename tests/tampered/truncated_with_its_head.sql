-- finds: truncated 280; truncated 280
-- The last rows are deleted and the head is made to fit; the stored and the kept checkpoint remember.
delete from entries where i >= 280;
-- then: rebuild
