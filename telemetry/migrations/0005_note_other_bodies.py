"""A later body of the same report that differs from the first is noted on the first, which stands."""

from importlib import import_module

from django.db import migrations, models

BEFORE = import_module("telemetry.migrations.0002_raw_bodies").ACCEPT.replace(
    "CREATE FUNCTION", "CREATE OR REPLACE FUNCTION"
)
FOUND = """         WHERE p.uuid = p_uuid AND p.hostname = p_hostname AND p.recorded_at = p_recorded_at;
        RETURN;
"""
# The row is written once at most, however often other bodies come.
NOTED = """         WHERE p.uuid = p_uuid AND p.hostname = p_hostname AND p.recorded_at = p_recorded_at;
        UPDATE telemetry_ping p SET other_body = true
         WHERE p.id = ping_id AND NOT p.other_body AND p.sha256 <> p_sha256;
        RETURN;
"""
AFTER = BEFORE.replace(FOUND, NOTED)


class Migration(migrations.Migration):
    dependencies = [("telemetry", "0004_proof_of_bundles")]

    operations = [
        migrations.AddField(
            model_name="ping",
            name="other_body",
            field=models.BooleanField(db_default=False, help_text="A later body for the same report differed."),
        ),
        migrations.RunSQL(AFTER, BEFORE),
    ]
