"""What metrics cost is counted by version too: one that was slow until 17.4 need not be so any more.

Going back forgets what was counted by version; the rows without one stay.
"""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("telemetry", "0009_rule_against_clones_that_take_turns")]

    operations = [
        migrations.AddField(
            model_name="metrictiming",
            name="version",
            field=models.CharField(blank=True, default="", help_text="Such as 17.5; empty = unknown.", max_length=20),
        ),
        migrations.AlterField(
            model_name="metrictiming", name="key_path", field=models.CharField(max_length=520)
        ),
        migrations.AddConstraint(
            model_name="metrictiming",
            constraint=models.UniqueConstraint(fields=("key_path", "version"), name="telemetry_one_timing_per_version"),
        ),
        migrations.RunSQL(migrations.RunSQL.noop, "DELETE FROM telemetry_metrictiming WHERE version <> ''"),
    ]
