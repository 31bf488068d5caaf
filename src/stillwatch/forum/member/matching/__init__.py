"""Private matching at a member: comparing identifiers with another member, and joining clusters with all of a group.

Needs the extra ``forum``. A command imports from here when it runs, as the curve's kernels take a moment to load.
"""
