-- finds: dropped 42; truncated 299
-- A row is deleted and all later ones move up by one.
delete from entries where i = 42;
update entries set i = -i where i > 42;
update entries set i = -i - 1 where i < 0;
