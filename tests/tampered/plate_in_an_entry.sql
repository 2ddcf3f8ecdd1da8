-- finds: schema 17; forked 299; forked 299
-- An entry has a field that no schema knows, and everything is rewritten to fit.
update entries set entry = cast(replace(cast(entry as text), '"v":1', '"v":1,"zplate":"DEMO123"') as blob) where i = 17;
-- then: rebuild
