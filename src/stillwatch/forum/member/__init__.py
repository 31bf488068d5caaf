"""The member's side of the exchange: what it fetched, what it sent, what it was told, and nothing about any action."""
