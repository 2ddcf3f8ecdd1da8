-- finds: altered 256
-- After the last complete tile, text and hash are changed alike: only the head disagrees, and it does not say where.
update entries set entry = cast(replace(cast(entry as text), 'stolen_vehicle', 'human_trafficking') as blob) where i = 290;
update entries set leaf = leaf_hash(entry) where i = 290;
