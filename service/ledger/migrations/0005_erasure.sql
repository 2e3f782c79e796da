-- A person's key that `append` is given as NULL is destroyed, in the batch that says so
-- (account.person-erased/1): nothing that was sealed under it can ever be read again.
CREATE FUNCTION destroy_person_key() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM person_keys WHERE stream = NEW.stream;
    RETURN NULL;
END $$;

CREATE TRIGGER destroy_person_key BEFORE INSERT ON person_keys
    FOR EACH ROW WHEN (NEW.wrapped IS NULL) EXECUTE FUNCTION destroy_person_key();
