"""``stillwatch demo``: one campaign, three providers and a hub, played with the commands that providers use."""
