-- finds: wrong_key -
-- The stored checkpoint is signed by a key that is not the log's.
update checkpoints set text = signed_by_another(size, root);
