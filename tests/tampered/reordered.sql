-- finds: reordered 10; reordered 20
-- Two rows change places.
update entries set i = -1 where i = 10;
update entries set i = 10 where i = 20;
update entries set i = 20 where i = -1;
