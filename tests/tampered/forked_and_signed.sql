-- finds: forked 299; forked -
-- The operator rewrites everything and signs it with the true key: the checkpoint that somebody else kept differs.
update entries set entry = cast(replace(cast(entry as text), 'stolen_vehicle', 'human_trafficking') as blob) where i = 17;
-- then: rebuild
-- then: sign
