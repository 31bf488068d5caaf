"""What docs/lineage.md reports: every line of the table, prompts needed, evasion, time and memory."""
