"""Requests -> evidence: traits of accounts and readings of clusters; one file a signal."""

from stillwatch.signals.activity import tally
from stillwatch.signals.addresses import ADDRESSES
from stillwatch.signals.breadth import BREADTH
from stillwatch.signals.clients import CLIENTS
from stillwatch.signals.cohort import COHORT
from stillwatch.signals.elicitation import ELICITATION
from stillwatch.signals.first_hour import FIRST_HOUR
from stillwatch.signals.handover import Handover
from stillwatch.signals.interface import ClusterSignal, TraitSignal
from stillwatch.signals.load_sharing import LoadSharing
from stillwatch.signals.migration import Migration
from stillwatch.signals.model_move import MODEL_MOVE
from stillwatch.signals.network import NETWORK
from stillwatch.signals.output_heavy import OUTPUT_HEAVY
from stillwatch.signals.partition import Partition
from stillwatch.signals.payment import PAYMENT
from stillwatch.signals.probing import Probing
from stillwatch.signals.registration import REGISTRATION
from stillwatch.signals.relay import Relay
from stillwatch.signals.replay import REPLAY
from stillwatch.signals.request_shape import REQUEST_SHAPE
from stillwatch.signals.rhythm import RHYTHM
from stillwatch.signals.sampling import SAMPLING
from stillwatch.signals.synchrony import Synchrony
from stillwatch.signals.system_prompts import SYSTEM_PROMPTS
from stillwatch.signals.templates import TEMPLATED
from stillwatch.signals.topic import Topic
from stillwatch.signals.volume import VOLUME

#: Every signal of accounts. Each is independent of the others; ``tally`` must have run before any of them.
TRAIT_SIGNALS: tuple[TraitSignal, ...] = (
    *PAYMENT,
    *REGISTRATION,
    *NETWORK,
    *CLIENTS,
    *REQUEST_SHAPE,
    *COHORT,
    *MODEL_MOVE,
    *VOLUME,
    *RHYTHM,
    *FIRST_HOUR,
    *ADDRESSES,
    *OUTPUT_HEAVY,
    *SAMPLING,
    *BREADTH,
    *ELICITATION,
    *REPLAY,
    *TEMPLATED,
    *SYSTEM_PROMPTS,
)

#: Every test of a cluster.
CLUSTER_SIGNALS: tuple[ClusterSignal, ...] = (
    Synchrony(),
    LoadSharing(),
    Handover(),
    Partition(),
    Probing(),
    Migration(),
    Relay(),
    Topic(),
)

__all__ = ["CLUSTER_SIGNALS", "TRAIT_SIGNALS", "ClusterSignal", "TraitSignal", "tally"]
