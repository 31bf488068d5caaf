"""The hub's part in private matching: a share of the key, two members' comparisons, the joining of clusters.

``keyholder`` is the trustee's part too. What is a message, who may learn what and why is in ``forum.matching``.
"""
