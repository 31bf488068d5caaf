"""Links -> clusters -> tested, explained campaigns."""
