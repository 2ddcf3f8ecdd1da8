-- finds: reordered 270
-- Two rows after the last complete tile change places, with their hashes.
update entries set i = -1 where i = 270;
update entries set i = 270 where i = 280;
update entries set i = 280 where i = -1;
