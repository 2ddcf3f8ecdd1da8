-- finds: leaf_hash 17
-- The hash stored beside an entry is wrong, where the tile has the true one.
update entries set leaf = zeroblob(32) where i = 17;
