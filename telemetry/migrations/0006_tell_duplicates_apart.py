"""Acceptance says where a later body differs, and an organisation's key claims only what nobody has sent for before.

The question whether an anonymous ping's installation holds a key first looks for the holder alone, and a ping's key is
no foreign key of the database any more: the function has just found the key, and checking it again took a lock on the
key's row for each ping. Keys are revoked, not deleted.
"""

from importlib import import_module

import django.db.models.deletion
from django.db import migrations, models

BEFORE = import_module("telemetry.migrations.0005_note_other_bodies").AFTER

ACCEPT = """
CREATE OR REPLACE FUNCTION telemetry_accept(
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
    v_first record;
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
                -- Who has been sending without this key is somebody else, until an administrator says otherwise.
                IF EXISTS (SELECT 1 FROM telemetry_ping p WHERE p.uuid = p_uuid AND p.hostname = p_hostname) THEN
                    verdict := 'not_held';
                    RETURN;
                END IF;
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
    ELSIF v_proof = '' THEN
        SELECT h.id, h.organisation_id INTO v_holder, v_held_by
          FROM telemetry_keyholder h WHERE h.uuid = p_uuid AND h.hostname = p_hostname;
        IF v_holder IS NOT NULL AND EXISTS (
            SELECT 1 FROM telemetry_ingestkey k
             WHERE ((k.uuid = p_uuid AND k.hostname = p_hostname) OR (k.uuid = '' AND k.organisation_id = v_held_by))
               AND k.revoked_at IS NULL AND (k.expires_at IS NULL OR k.expires_at > now())
        ) THEN
            IF p_keyed_anonymous = 'refuse' THEN
                verdict := 'needs_key';
                RETURN;
            END IF;
            v_proof := 'unverified';
        END IF;
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
        SELECT p.id, p.sha256 <> p_sha256 AS differs, p.other_body INTO v_first FROM telemetry_ping p
         WHERE p.uuid = p_uuid AND p.hostname = p_hostname AND p.recorded_at = p_recorded_at;
        ping_id := v_first.id;
        verdict := 'duplicate';
        IF v_first.differs THEN
            verdict := 'other_body';
            IF NOT v_first.other_body THEN  -- written once at most, however often other bodies come
                UPDATE telemetry_ping SET other_body = true WHERE id = v_first.id;
            END IF;
        END IF;
        RETURN;
    END IF;
    INSERT INTO telemetry_rawbody (ping_id, recorded_at, body) VALUES (ping_id, p_recorded_at, p_body);
    verdict := 'accepted';
END $$;
"""


class Migration(migrations.Migration):
    dependencies = [("telemetry", "0005_note_other_bodies")]

    operations = [
        migrations.AlterField(
            model_name="ping",
            name="key",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="pings",
                to="telemetry.ingestkey",
            ),
        ),
        migrations.RunSQL(ACCEPT, BEFORE),
    ]
