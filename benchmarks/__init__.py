"""What Stillwatch shows, measured: ``make bench``."""
