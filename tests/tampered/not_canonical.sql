-- finds: not_canonical 17; forked 299; forked 299
-- An entry says the same in other bytes, and everything is rewritten to fit.
update entries set entry = cast(replace(cast(entry as text), '"v":1', '"v": 1') as blob) where i = 17;
-- then: rebuild
