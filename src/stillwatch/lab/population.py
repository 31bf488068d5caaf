"""The ordinary customers of a provider.

Shapes fitted offline to the 422 clients of ServeGen (Xiang et al., "ServeGen: Workload Characterization and Generation
of Large Language Model Serving", arXiv 2505.09999; data Apache-2.0), in 10-minute windows:

* spread of clients: standard deviation of log rate 1.6 to 2.7 by model (2.15 for the largest fleet);
* ten clients carry 63 to 93 % of the traffic of a model;
* coefficient of variation of gaps in a window, median of each client: 0.9 / 1.0 / 1.4 / 2.3 / 5.6 at the
  10 / 25 / 50 / 75 / 90 % client;
* windows of one client: standard deviation of log rate 0.7 / 1.28 / 1.9 at the 10 / 50 / 90 % client;
* 11 to 34 % of clients are active in more than 90 % of windows, and as many in less than 1 %.

ServeGen's clients are large customers: they are ``platform`` here. People, apps and agents around them are smaller.
"""

from stillwatch.lab.spec import Clients, Group, Network, Signup, Talk, Tempo

_BUSINESS = (("webmail", 0.35), ("private", 0.645), ("disposable", 0.005))
_SERVERS = (("hosting", 0.8), ("office", 0.15), ("isp", 0.05))
_PAID = (("standard", 0.6), ("pro", 0.3), ("enterprise", 0.1))

POPULATION: tuple[Group, ...] = (
    Group(
        "people",
        "benign",
        "single people who chat or try things",
        0.2,
        10_000_000,
        0.6,
        tempo=Tempo(volume_sd=1.7, window_sd=1.0, active=(0.35, 1.0), session=4.0),
        signup=Signup(paying=0.3),
    ),
    Group(
        "developers",
        "benign",
        "developers with scripts of their own",
        0.11,
        1_000_000,
        4.0,
        signup=Signup(tiers=(("free", 0.3), ("standard", 0.6), ("pro", 0.1)), paying=0.75),
        clients=Clients(kinds=(("sdk", 0.6), ("raw", 0.25), ("agent", 0.15)), rotate=0.03),
        network=Network(addresses=1.5),
        talk=Talk(
            fill=(("code", 0.5), ("ask", 0.3), ("maths", 0.1), ("foreign", 0.1)),
            samples=0.03,
            logprobs=0.03,
            viral=0.005,
        ),
    ),
    Group(
        "small_apps",
        "benign",
        "small products, each with a prompt template and a system prompt of its own",
        0.16,
        200_000,
        25.0,
        signup=Signup(tiers=_PAID, paying=0.95, mail=_BUSINESS, verified=0.5, organization="own", age_days=260),
        network=Network(kinds=_SERVERS, addresses=2.0, fresh=0.01),
        clients=Clients(kinds=(("sdk", 0.7), ("raw", 0.3))),
        tempo=Tempo(volume_sd=1.8, active=(0.8, 0.6), session=1.2, rhythm=0.6),
        talk=Talk(
            fill=(("datum", 0.8), ("ask", 0.2)),
            head=(("apphead", 0.82), ("reason", 0.07), ("rubric", 0.06), ("engineer", 0.05)),
            variants=3,
            tail="apptail",
            context=0.6,
            system="account",
            viral=0.0,
            output_tokens=160,
            pathways=(("first_party", 0.75), ("cloud", 0.25)),
        ),
    ),
    Group(
        "platform",
        "benign",
        "the few large customers that carry most traffic",
        0.33,
        2_000,
        1500.0,
        floor=40,
        signup=Signup(
            tiers=(("pro", 0.4), ("enterprise", 0.6)),
            paying=1.0,
            verified=0.95,
            organization="own",
            age_days=420,
            mail=(("private", 1.0),),
            owner=True,
        ),
        network=Network(kinds=_SERVERS, addresses=8.0, fresh=0.01),
        clients=Clients(kinds=(("sdk", 0.65), ("raw", 0.35)), rotate=0.02),
        tempo=Tempo(volume_sd=2.15, active=(1.2, 0.45), session=1.3, rhythm=0.45),
        talk=Talk(
            fill=(("datum", 0.5), ("ask", 0.35), ("code", 0.15)),
            head=(("apphead", 0.8), ("rubric", 0.08), ("reason", 0.07), ("engineer", 0.05)),
            variants=9,
            tail="apptail",
            templated=0.75,
            many_topics=True,
            system="account",
            viral=0.0,
            input_tokens=700,
            output_tokens=220,
            samples=0.05,
            logprobs=0.05,
            newest=8,
            pathways=(("first_party", 0.6), ("cloud", 0.4)),
            failover=0.05,
        ),
    ),
    Group(
        "agents",
        "benign",
        "coding agents: tools, long contexts, sessions, reasoning blocks sent back",
        0.14,
        400_000,
        15.0,
        signup=Signup(tiers=_PAID, paying=0.95, mail=_BUSINESS, verified=0.4),
        network=Network(kinds=(("isp", 0.6), ("office", 0.25), ("hosting", 0.15)), addresses=1.5),
        clients=Clients(kinds=(("agent", 0.75), ("sdk", 0.25))),
        tempo=Tempo(volume_sd=1.5, session=14.0, rhythm=0.8, cv=1.8),
        talk=Talk(
            fill=(("repository", 0.55), ("code", 0.35), ("ask", 0.1)),
            system="account",
            tools="account",
            turns=2,
            viral=0.0,
            context=0.8,
            input_tokens=9000,
            output_tokens=420,
            reasoning=0.7,
            newest=5,
            movers=0.75,
        ),
    ),
    Group(
        "reseller_customers",
        "benign",
        "small firms whose reseller signs them up and pays for them",
        0.03,
        5_000,
        8.0,
        floor=20,
        signup=Signup(
            tiers=(("standard", 1.0),),
            verified=0.6,
            organization="one",
            paying=1.0,
            payers=25,
            mail=_BUSINESS,
            from_network=0.5,
        ),
        network=Network(kinds=(("office", 0.5), ("isp", 0.3), ("hosting", 0.2))),
        tempo=Tempo(volume_sd=1.4, active=(0.8, 0.8)),
        talk=Talk(pathways=(("cloud", 1.0),)),
    ),
)
