"""The exchange between members: guardrails, the ledger, private matching, the hub and the member's side."""
