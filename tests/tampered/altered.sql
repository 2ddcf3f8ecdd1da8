-- finds: altered 17
-- One word of an old entry is changed in place; the hashes beside it are left.
update entries set entry = cast(replace(cast(entry as text), 'stolen_vehicle', 'human_trafficking') as blob) where i = 17;
