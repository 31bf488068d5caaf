"""Time and memory of ``stillwatch detect`` as the log grows, beside the floor."""
