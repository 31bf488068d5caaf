"""How much of each campaign gets through before it is found, and before it is stopped, alone and with the forum."""
