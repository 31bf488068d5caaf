"""``stillwatch gate``: measures in the path of requests. Sub-commands are imported when they are called for."""

from stillwatch.cli.groups import LazyGroup

#: Sub-command -> where it stands.
COMMANDS: dict[str, str] = {
    "appeal": "stillwatch.cli.gate_people:appeal",
    "approve": "stillwatch.cli.gate_people:approve",
    "canary": "stillwatch.cli.gate_marks:canary",
    "confirm": "stillwatch.cli.gate_people:confirm",
    "feedback": "stillwatch.cli.gate_people:feedback",
    "measures": "stillwatch.cli.gate_people:measures",
    "publish": "stillwatch.cli.gate_serve:publish",
    "release": "stillwatch.cli.gate_people:release",
    "serve": "stillwatch.cli.gate_serve:serve",
    "share": "stillwatch.cli.gate_serve:share",
    "settle": "stillwatch.cli.gate_people:settle",
    "watermark": "stillwatch.cli.gate_marks:watermark",
}

gate = LazyGroup("gate", COMMANDS, help="Let what was detected change what the next request gets: at once, reversibly.")
