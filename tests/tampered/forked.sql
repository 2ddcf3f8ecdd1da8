-- finds: forked 299; forked 299
-- An entry, its hash, the tiles and the head are all rewritten to fit each other.
update entries set entry = cast(replace(cast(entry as text), 'stolen_vehicle', 'human_trafficking') as blob) where i = 17;
-- then: rebuild
