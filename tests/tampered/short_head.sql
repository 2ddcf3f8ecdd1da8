-- finds: head 299; truncated 299; truncated 299
-- The head says one entry less than there are.
update head set size = 299, frontier = frontier_of(299);
