"""``stillwatch forum``: the exchange between companies. A sub-command is imported when it is called for, not before."""

from stillwatch.cli.groups import LazyGroup

#: Sub-command -> where it stands. Each module imports its extra's packages inside the command's function.
COMMANDS: dict[str, str] = {
    "appeals": "stillwatch.cli.forum_member:appeals_",
    "audit": "stillwatch.cli.forum_audit:audit",
    "compare": "stillwatch.cli.forum_compare:compare",
    "desk": "stillwatch.cli.forum_desk:desk",
    "export": "stillwatch.cli.forum_export:export",
    "feedback": "stillwatch.cli.forum_member:feedback",
    "identifiers": "stillwatch.cli.forum_joining:identifiers",
    "init": "stillwatch.cli.forum_hub:init",
    "join": "stillwatch.cli.forum_member:join_",
    "join-clusters": "stillwatch.cli.forum_joining:join_clusters",
    "keygen": "stillwatch.cli.forum_keygen:keygen",
    "match": "stillwatch.cli.forum_member:match",
    "matching": "stillwatch.cli.forum_keyholders:matching",
    "member": "stillwatch.cli.forum_hub:member",
    "migrate": "stillwatch.cli.forum_hub:migrate",
    "person": "stillwatch.cli.forum_hub:person",
    "pull": "stillwatch.cli.forum_member:pull_",
    "push": "stillwatch.cli.forum_member:push_",
    "rotate": "stillwatch.cli.forum_member:rotate_",
    "serve": "stillwatch.cli.forum_serve:serve",
    "sync": "stillwatch.cli.forum_member:sync",
    "tick": "stillwatch.cli.forum_hub:tick",
    "token": "stillwatch.cli.forum_hub:token",
    "trustee": "stillwatch.cli.forum_keyholders:trustee",
    "witness": "stillwatch.cli.forum_witness:witness",
}

forum = LazyGroup("forum", COMMANDS, help="Exchange indicators with other providers, and nothing else.")
