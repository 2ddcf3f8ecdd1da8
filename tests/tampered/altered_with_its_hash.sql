-- finds: altered 17
-- The entry's own hash is changed with it; the tile still has the one that was logged.
update entries set entry = cast(replace(cast(entry as text), 'stolen_vehicle', 'human_trafficking') as blob) where i = 17;
update entries set leaf = leaf_hash(entry) where i = 17;
