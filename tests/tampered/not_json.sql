-- finds: altered 17; schema 17
-- An entry is overwritten with what is no JSON.
update entries set entry = x'ff00' where i = 17;
