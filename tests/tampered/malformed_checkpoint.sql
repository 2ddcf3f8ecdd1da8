-- finds: malformed -
-- The stored checkpoint is no checkpoint.
update checkpoints set text = 'none';
