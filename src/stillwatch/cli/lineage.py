"""``stillwatch lineage``: whose outputs a model was trained on. A sub-command is imported when it is called for."""

from stillwatch.cli.forum import LazyGroup

#: Sub-command -> where it stands.
COMMANDS: dict[str, str] = {
    "trace": "stillwatch.cli.lineage_trace:trace",
}

lineage = LazyGroup("lineage", COMMANDS, help="Ask whose model, weights or outputs a suspect model's texts come from.")
