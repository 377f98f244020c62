"""The partitioned table of raw bodies, and the one statement by which a ping is accepted.

``telemetry_accept`` makes acceptance a single round trip in a single short transaction: key, identity, body. It is
a function and not a CTE because each of its statements takes a fresh snapshot: of two senders of the same ping the
second one waits for the first and then sees its id.
"""

from django.db import migrations

RAW = """
CREATE TABLE telemetry_rawbody (
    ping_id bigint NOT NULL,
    recorded_at timestamptz NOT NULL,
    body bytea NOT NULL
) PARTITION BY RANGE (recorded_at);
-- Bodies are compressed before they come here; PostgreSQL must not try again.
ALTER TABLE telemetry_rawbody ALTER COLUMN body SET STORAGE EXTERNAL;
CREATE INDEX telemetry_rawbody_ping ON telemetry_rawbody (ping_id);
-- Dates that no installation can have meant share two partitions, so that nobody can make us create thousands.
CREATE TABLE telemetry_rawbody_early PARTITION OF telemetry_rawbody FOR VALUES FROM (MINVALUE) TO ('2010-01-01 00:00+00');
CREATE TABLE telemetry_rawbody_late PARTITION OF telemetry_rawbody FOR VALUES FROM ('2040-01-01 00:00+00') TO (MAXVALUE);
"""

PARTITION = """
CREATE FUNCTION telemetry_make_partition(p_moment timestamptz) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    v_month timestamp := date_trunc('month', p_moment AT TIME ZONE 'UTC');
    v_name text := 'telemetry_rawbody_' || to_char(v_month, 'YYYY_MM');
BEGIN
    IF v_month < '2010-01-01' OR v_month >= '2040-01-01' OR to_regclass(v_name) IS NOT NULL THEN
        RETURN;
    END IF;
    PERFORM pg_advisory_xact_lock(hashtext('telemetry_make_partition'));
    EXECUTE format(
        'CREATE TABLE IF NOT EXISTS %I PARTITION OF telemetry_rawbody FOR VALUES FROM (%L) TO (%L)',
        v_name, v_month AT TIME ZONE 'UTC', (v_month + interval '1 month') AT TIME ZONE 'UTC'
    );
END $$;
"""

ACCEPT = """
CREATE FUNCTION telemetry_accept(
    p_uuid text, p_hostname text, p_recorded_at timestamptz, p_received_at timestamptz, p_channel text,
    p_sha256 bytea, p_size int, p_body bytea, p_cut text[], p_address text, p_version text, p_edition text,
    p_trusted boolean, p_proof text, p_key bytea, p_keyed_anonymous text,
    OUT verdict text, OUT ping_id bigint
) LANGUAGE plpgsql AS $$
DECLARE
    v_key record;
    v_key_id bigint;
    v_holder bigint;
    v_held_by bigint;
    v_proof text := p_proof;
BEGIN
    IF p_key IS NOT NULL THEN
        SELECT k.id, k.uuid, k.hostname, k.organisation_id, k.last_used_at INTO v_key
          FROM telemetry_ingestkey k
         WHERE k.digest = p_key AND k.revoked_at IS NULL AND (k.expires_at IS NULL OR k.expires_at > now());
        IF NOT FOUND THEN
            verdict := 'unknown_key';
            RETURN;
        END IF;
        IF v_key.uuid <> '' THEN
            IF v_key.uuid <> p_uuid OR v_key.hostname <> p_hostname THEN
                verdict := 'foreign';
                RETURN;
            END IF;
        ELSE
            SELECT h.id, h.organisation_id INTO v_holder, v_held_by
              FROM telemetry_keyholder h WHERE h.uuid = p_uuid AND h.hostname = p_hostname;
            IF v_holder IS NULL THEN
                INSERT INTO telemetry_keyholder (uuid, hostname, organisation_id)
                VALUES (p_uuid, p_hostname, v_key.organisation_id) ON CONFLICT DO NOTHING;
            ELSIF v_held_by IS DISTINCT FROM v_key.organisation_id THEN
                verdict := 'foreign';
                RETURN;
            END IF;
        END IF;
        v_key_id := v_key.id;
        v_proof := 'key';
        IF v_key.last_used_at IS NULL OR v_key.last_used_at < now() - interval '10 minutes' THEN
            UPDATE telemetry_ingestkey SET last_used_at = now() WHERE id = v_key.id;
        END IF;
    ELSIF v_proof = '' AND EXISTS (
        SELECT 1 FROM telemetry_keyholder h
          JOIN telemetry_ingestkey k
            ON (k.uuid = h.uuid AND k.hostname = h.hostname) OR (k.uuid = '' AND k.organisation_id = h.organisation_id)
         WHERE h.uuid = p_uuid AND h.hostname = p_hostname
           AND k.revoked_at IS NULL AND (k.expires_at IS NULL OR k.expires_at > now())
    ) THEN
        IF p_keyed_anonymous = 'refuse' THEN
            verdict := 'needs_key';
            RETURN;
        END IF;
        v_proof := 'unverified';
    END IF;
    IF to_regclass('telemetry_rawbody_' || to_char(p_recorded_at AT TIME ZONE 'UTC', 'YYYY_MM')) IS NULL THEN
        PERFORM telemetry_make_partition(p_recorded_at);
    END IF;
    INSERT INTO telemetry_ping (
        uuid, hostname, recorded_at, received_at, channel, sha256, size, cut, address, version, edition, trusted, proof,
        key_id
    ) VALUES (
        p_uuid, p_hostname, p_recorded_at, p_received_at, p_channel, p_sha256, p_size, p_cut, p_address, p_version,
        p_edition, p_trusted, v_proof, v_key_id
    ) ON CONFLICT (uuid, hostname, recorded_at) DO NOTHING RETURNING id INTO ping_id;
    IF ping_id IS NULL THEN
        verdict := 'duplicate';
        SELECT p.id INTO ping_id FROM telemetry_ping p
         WHERE p.uuid = p_uuid AND p.hostname = p_hostname AND p.recorded_at = p_recorded_at;
        RETURN;
    END IF;
    INSERT INTO telemetry_rawbody (ping_id, recorded_at, body) VALUES (ping_id, p_recorded_at, p_body);
    verdict := 'accepted';
END $$;
"""

UNDO = """
DROP FUNCTION telemetry_accept(
    text, text, timestamptz, timestamptz, text, bytea, int, bytea, text[], text, text, text, boolean, text, bytea, text
);
DROP FUNCTION telemetry_make_partition(timestamptz);
DROP TABLE telemetry_rawbody;
"""


class Migration(migrations.Migration):
    dependencies = [("telemetry", "0001_pings")]

    operations = [
        # "%" must be doubled for Django only where parameters are given; here there are none.
        migrations.RunSQL([(RAW, None), (PARTITION, None), (ACCEPT, None)], UNDO),
    ]
