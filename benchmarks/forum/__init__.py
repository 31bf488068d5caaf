"""The forum beside its peers, and under faults."""
