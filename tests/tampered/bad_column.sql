-- finds: column 17
-- The query stored beside an entry is another's, so that a search would not find it.
update entries set ref = 'another-query-altogether' where i = 17;
