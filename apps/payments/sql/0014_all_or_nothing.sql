-- The short way (0012, 0013) stays only where everything went well, so it books by the door that books all or nothing.

CREATE OR REPLACE FUNCTION payments_book_all(commands jsonb) RETURNS boolean
LANGUAGE plpgsql AS $$
DECLARE
    entries jsonb := jsonb_path_query_array(commands, '$[*].entry ? (@ != null)');
BEGIN
    IF entries = '[]' THEN
        RETURN true;
    END IF;
    RETURN ledger_post_all(entries);
END $$;

CREATE OR REPLACE FUNCTION payments_transfer(commands jsonb) RETURNS jsonb
LANGUAGE plpgsql AS $$
BEGIN
    BEGIN
        IF payments_transfer_at_once(commands, claiming => true) AND payments_book_all(commands) THEN
            RETURN payments_outcomes(jsonb_array_length(commands), '{}');
        END IF;
        RAISE SQLSTATE 'FL001';
    EXCEPTION WHEN SQLSTATE 'FL001' OR integrity_constraint_violation OR data_exception THEN
        -- Nothing of it stays.
    END;
    RETURN payments_transfer_the_long_way(commands);
END $$;

-- One look tells the first answer of gateways, which nearly all are, from what changes more than its own rows.
CREATE OR REPLACE FUNCTION payments_record(commands jsonb) RETURNS jsonb
LANGUAGE plpgsql AS $$
DECLARE
    plain boolean := NOT jsonb_path_exists(commands, '$[*] ? (@.attempt == null || @.intent == null || @.claim == true || @.window_s != null || @.method != null || @.charge.version > 1 || @.attempt.kind == "void")');
BEGIN
    -- `window_s`: only the long way knows what a gateway's denial is worth.
    IF plain OR NOT jsonb_path_exists(commands, '$[*] ? (@.attempt == null || @.intent == null || @.claim == true || @.window_s != null)') THEN
        BEGIN
            IF (CASE WHEN plain THEN payments_record_at_once(commands) ELSE payments_record_altogether(commands) END)
                AND payments_book_all(commands)
            THEN
                RETURN payments_outcomes(jsonb_array_length(commands), '{}');
            END IF;
            RAISE SQLSTATE 'FL001';
        EXCEPTION WHEN SQLSTATE 'FL001' OR integrity_constraint_violation OR data_exception THEN
            -- Nothing of it stays.
        END;
    END IF;
    RETURN payments_record_the_long_way(commands);
END $$;
