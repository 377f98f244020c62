"""The plausibility rules that a new portal begins with; reviewers change them in the admin."""

from django.db import migrations

RULES = [
    ("unverified", "unverified", "hold", "", {}, "An installation that holds a key sends with it; without, anyone may."),
    ("signature", "signature", "hold", "", {}, "A signed bundle whose signature does not fit was changed on its way."),
    ("future", "future", "hold", "", {"hours": 26}, "Clocks may be a day off; more would count in a month to come."),
    ("old", "old", "hold", "", {"days": 366}, "A ping older than a year would move figures long settled."),
    ("version", "version", "hold", "", {}, "A version that was never released is no installation of ours."),
    (
        "ceiling",
        "ceiling",
        "hold",
        "",
        {"floor": 50_000_000},
        "No installation run by a customer has so many users; such a value is a spoof or a defect.",
    ),
    (
        "growth",
        "growth",
        "hold",
        "",
        {"factor": 20, "floor": 5_000},
        "An active-user count that grows twentyfold from one ping to the next has never been real.",
    ),
    (
        "seats",
        "seats",
        "hold",
        "",
        {"factor": 20, "floor": 10_000},
        "Active users far beyond the seats and accounts of the installation itself.",
    ),
    (
        "quantile",
        "quantile",
        "hold",
        "",
        {"factor": 100, "least": 200, "floor": 100_000},
        "A hundred times what 999 of 1,000 installations have.",
    ),
    ("restored", "restored", "note", "counts.*", {"share": 0.5}, "A restored backup, or a database begun anew."),
    ("shared-uuid", "shared_uuid", "note", "", {}, "Clones, restored backups and pre-built images share a uuid."),
    ("shared-instance", "shared_instance", "note", "", {}, "unique_instance_id is made to differ; a clone shares it."),
    ("changed-instance", "changed_instance", "note", "", {}, "The same names with another instance behind them."),
]


def seed(apps, schema_editor):
    rule = apps.get_model("telemetry", "PlausibilityRule")
    for order, (code, kind, action, metrics, parameters, reason) in enumerate(RULES, 1):
        rule.objects.get_or_create(
            code=code,
            defaults={
                "kind": kind,
                "action": action,
                "metrics": metrics,
                "parameters": parameters,
                "reason": reason,
                "order": order * 10,
            },
        )


def unseed(apps, schema_editor):
    apps.get_model("telemetry", "PlausibilityRule").objects.filter(code__in=[row[0] for row in RULES]).delete()


class Migration(migrations.Migration):
    dependencies = [("telemetry", "0002_raw_bodies")]
    operations = [migrations.RunPython(seed, unseed)]
