-- finds: tile 0
-- A complete tile is not there.
delete from tiles;
