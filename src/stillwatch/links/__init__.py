"""Shared artifacts and timing -> links between accounts -> clusters."""

from stillwatch.links.clusters import Linked, find_clusters
from stillwatch.links.forward import put_forward
from stillwatch.links.incidence import build

__all__ = ["Linked", "build", "find_clusters", "put_forward"]
