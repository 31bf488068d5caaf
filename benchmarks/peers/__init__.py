"""The TAXII servers that the forum is measured beside, each run from an environment of its own.

Their pinned libraries conflict with ours, and nothing of their code is here: ``environment`` builds what the
requirement files beside it name, from the package index, when a benchmark first asks for it.
"""
