-- finds: dropped 42
-- A row is deleted.
delete from entries where i = 42;
