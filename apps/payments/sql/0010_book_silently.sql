-- Payments ask the ledger what it refused and nothing else, so it need not tell every balance.

-- Books the entries of `commands`, which are those of a batch that `refused` does not have. Returns the
-- ledger's refusals under the numbers of the whole batch; what was refused was not booked.
CREATE OR REPLACE FUNCTION payments_book(commands jsonb, refused jsonb) RETURNS jsonb
LANGUAGE plpgsql AS $$
DECLARE
    entries jsonb := jsonb_path_query_array(commands, '$[*].entry ? (@ != null)');
    unbooked jsonb;
BEGIN
    IF entries = '[]' THEN
        RETURN '{}';
    END IF;
    unbooked := ledger_post_silently(entries);
    IF unbooked = '{}' THEN
        RETURN '{}';
    END IF;
    RETURN (
        SELECT coalesce(jsonb_object_agg(batch.no, unbooked -> entry.no), '{}')
        FROM (SELECT c -> 'entry' ->> 'id' AS id, (row_number() OVER (ORDER BY at) - 1)::text AS no
              FROM jsonb_array_elements(commands) WITH ORDINALITY AS x (c, at) WHERE jsonb_typeof(c -> 'entry') = 'object') entry
        JOIN (SELECT c -> 'entry' ->> 'id' AS id, no FROM payments_numbered(commands, refused) AS n (c, no)) batch USING (id)
        WHERE unbooked ? entry.no
    );
END $$;
