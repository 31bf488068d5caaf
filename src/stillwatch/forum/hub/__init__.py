"""The hub: membership, submission, reading, feedback; everything but how it is stored and how it is served."""
