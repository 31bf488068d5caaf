"""``stillwatch lineage``: whose outputs a model was trained on. A sub-command is imported when it is called for."""

from stillwatch.cli.groups import LazyGroup

#: Sub-command -> where it stands.
COMMANDS: dict[str, str] = {
    "canaries": "stillwatch.cli.lineage_plan:canaries",
    "collect": "stillwatch.cli.lineage_tools:collect",
    "many": "stillwatch.cli.lineage_many:many",
    "plan": "stillwatch.cli.lineage_plan:plan",
    "safeguards": "stillwatch.cli.lineage_tools:safeguards",
    "shadow": "stillwatch.cli.lineage_tools:shadow",
    "trace": "stillwatch.cli.lineage_trace:trace",
}

lineage = LazyGroup("lineage", COMMANDS, help="Ask whose model, weights or outputs a suspect model's texts come from.")
