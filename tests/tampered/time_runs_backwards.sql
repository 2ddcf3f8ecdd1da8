-- finds: forked 299; forked 299; time 18
-- An entry's hour is moved far ahead, and everything is rewritten to fit.
update entries set entry = at_hour(entry, '2999-01-01T00Z') where i = 17;
update entries set entry = at_hour(entry, '2999-01-01T00Z') where i > 18;
-- then: rebuild
