-- finds: head -
-- The head's frontier is of another tree.
update head set frontier = zeroblob(length(frontier));
