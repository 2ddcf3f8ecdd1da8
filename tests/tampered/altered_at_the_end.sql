-- finds: altered 290
-- After the last complete tile, the text is changed and the hash beside it is left.
update entries set entry = cast(replace(cast(entry as text), 'stolen_vehicle', 'human_trafficking') as blob) where i = 290;
