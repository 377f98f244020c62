"""A draft is of anything that people edit, not of a block alone: its subject names the thing."""

import django.db.models.deletion
from django.db import migrations, models
from django.db.models import F, Value
from django.db.models.functions import Cast, Concat


def name_the_subject(apps, schema_editor):
    apps.get_model("stages", "Draft").objects.update(
        subject=Concat(
            Value("block:"), Cast("stage_id", models.CharField()), Value(":"), F("kind"), Value(":"), F("heading")
        )
    )


def only_blocks(apps, schema_editor):
    """Drafts of other things have no place in the earlier form; those of blocks are taken apart again."""
    drafts = apps.get_model("stages", "Draft").objects
    drafts.exclude(subject__startswith="block:").delete()
    for draft in drafts.all():
        _, _, draft.kind, draft.heading = draft.subject.split(":", 3)
        draft.save(update_fields=["kind", "heading"])


class Migration(migrations.Migration):
    dependencies = [("stages", "0005_runs_of_the_link_check")]

    operations = [
        migrations.AddField(
            model_name="draft",
            name="subject",
            field=models.CharField(default="", help_text="What it is a draft of.", max_length=600),
            preserve_default=False,
        ),
        migrations.RemoveConstraint(model_name="draft", name="one_draft_per_block"),
        migrations.AlterField(
            model_name="draft",
            name="stage",
            field=models.ForeignKey(
                help_text="The stage on whose page it is offered again.",
                null=True,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="drafts",
                to="stages.stage",
            ),
        ),
        migrations.AlterField(model_name="draft", name="kind", field=models.CharField(default="", max_length=20)),
        migrations.RunPython(name_the_subject, only_blocks),
        migrations.RemoveField(model_name="draft", name="kind"),
        migrations.RemoveField(model_name="draft", name="heading"),
        migrations.AddConstraint(
            model_name="draft",
            constraint=models.UniqueConstraint(fields=["user", "subject"], name="one_draft_per_person_and_thing"),
        ),
    ]
