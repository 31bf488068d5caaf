"""The hard negatives: groups that look coordinated and are innocent (design, rule of evidence 3).

Each shares with campaigns what it shares with them in life: templates and work queues, addresses, cards, software,
the week of registration, many models, log-probabilities.
"""

from stillwatch.lab.spec import Clients, Group, Network, Signup, Talk, Tempo


NEGATIVES: tuple[Group, ...] = (
    Group(
        "authorised_programme", "hard_negative", "a research lab that may distil, by contract (authorised.toml)", 0.015, 60, 120.0, floor=12,
        signup=Signup(cohort_hours=3, lead_days=9, tiers=(("pro", 0.5), ("enterprise", 0.5)), verified=1.0, organization="one", owner=True,
                      paying=1.0, payers=100, mail=(("corporate", 1.0),)),
        network=Network(kinds=(("hosting", 1.0),), shared=4, local=True), clients=Clients(kinds=(("sdk", 1.0),), fleet=1),
        tempo=Tempo(volume_sd=0.1, rhythm=0.05, active=(9, 0.3), queue=1.0, sync=0.8, session=1.0, stagger=0),
        talk=Talk(fill=(("item", 0.7), ("maths", 0.3)), fill_scope="task", head=(("reason", 1.0),), head_scope="group", context=0,
                  many_topics=True, viral=0, system="group", output_tokens=900, reasoning=0.9, newest=1, movers=1.0),
    ),
    Group(
        "batch_customer", "hard_negative", "templated jobs with disjoint fillings from several accounts of one organisation", 0.03, 40, 400.0, floor=6,
        signup=Signup(tiers=(("enterprise", 1.0),), verified=1.0, organization="one", owner=True, paying=1.0, payers=40,
                      cohort_hours=30, lead_days=140, mail=(("corporate", 1.0),)),
        network=Network(kinds=(("hosting", 1.0),), shared=6, local=True), clients=Clients(kinds=(("sdk", 1.0),), fleet=2),
        tempo=Tempo(volume_sd=0.3, rhythm=0.1, active=(3, 0.4), queue=1.0, sync=0.9, session=1.0, stagger=0),
        talk=Talk(fill=(("datum", 1.0),), fill_scope="task", head=(("apphead", 1.0),), head_scope="group", variants=6, tail="apptail",
                  context=0, many_topics=True, viral=0, system="group", output_tokens=80, output_sd=0.5, reasoning=0.0, temperature=0.0),
    ),
    Group(
        "evaluation_vendor", "hard_negative", "benchmark questions put to several models, with log-probabilities and repeats", 0.015, 12, 700.0, floor=3,
        signup=Signup(tiers=(("pro", 1.0),), verified=1.0, organization="one", paying=1.0, payers=12, cohort_hours=24, lead_days=60,
                      mail=(("corporate", 1.0),)),
        network=Network(kinds=(("hosting", 1.0),), shared=3, local=True), clients=Clients(kinds=(("sdk", 1.0),), fleet=1),
        tempo=Tempo(volume_sd=0.4, rhythm=0.1, active=(1.2, 1.0), sync=0.7, session=1.0, stagger=0, queue=0.8),
        talk=Talk(fill=(("maths", 0.7), ("ask", 0.3)), fill_scope="bank", bank=1500, head=(("reason", 0.6), ("rubric", 0.4)),
                  head_scope="group", variants=4, context=0, many_topics=True, viral=0, models=4, samples=0.5, logprobs=0.7,
                  temperature=0.0, reasoning=0.5, newest=0.1, movers=1.0, output_tokens=500),
    ),
    Group(
        "classroom", "hard_negative", "a course: one campus, one week of registration, the same assignments", 0.006, 400, 4.0, floor=40, span=(0.1, 1.0),
        signup=Signup(cohort_hours=60, lead_days=1, tiers=(("free", 1.0),), paying=0.0, mail=(("edu", 0.9), ("webmail", 0.1)), from_network=0.8),
        network=Network(kinds=(("campus", 1.0),), shared=2, local=True, fresh=0.25),
        tempo=Tempo(volume_sd=0.7, rhythm=0.9, sync=0.85, one_zone=True, session=4, stagger=0.3),
        talk=Talk(fill=(("maths", 0.4), ("code", 0.3), ("ask", 0.3)), fill_scope="bank", bank=25, context=0.3, viral=0.02),
    ),
    Group(
        "enterprise_office", "hard_negative", "a company behind one address, with an internal template beside everything else", 0.015, 600, 10.0, floor=25,
        signup=Signup(cohort_hours=40, lead_days=45, tiers=(("enterprise", 1.0),), verified=1.0, organization="one", owner=True, paying=1.0,
                      payers=600, mail=(("corporate", 1.0),)),
        network=Network(kinds=(("office", 1.0),), shared=1, local=True, fresh=0.06), clients=Clients(fleet=3),
        tempo=Tempo(volume_sd=1.2, rhythm=0.95, sync=0.3, one_zone=True, session=3),
        talk=Talk(head=(("apphead", 1.0),), head_scope="group", variants=4, templated=0.4, system="group", crossing=0.06, reasoning=0.2),
    ),
    Group(
        "aggregator", "hard_negative", "a few accounts that carry the traffic of a market place's users", 0.05, 4, 50_000.0, floor=2,
        signup=Signup(tiers=(("enterprise", 1.0),), verified=1.0, organization="one", paying=1.0, payers=4, mail=(("corporate", 1.0),)),
        network=Network(kinds=(("isp", 0.7), ("mobile", 0.3)), fresh=0.9, addresses=500), clients=Clients(rotate=0.8),
        tempo=Tempo(volume_sd=0.5, active=(9, 0.2), rhythm=0.25, session=3, stagger=0),
        talk=Talk(many_topics=True, viral=0.02, models=4, pathways=(("aggregator", 1.0),), samples=0.3, logprobs=0.3),
    ),
    Group(
        "popular_harness", "hard_negative", "users of one popular coding harness: the same system prompt, tools and client", 0.06, 1_000_000, 12.0,
        signup=Signup(paying=0.8), clients=Clients(kinds=(("agent", 1.0),)),
        tempo=Tempo(volume_sd=1.4, session=12, rhythm=0.8),
        talk=Talk(fill=(("repository", 0.6), ("code", 0.4)), system="public", tools="public", turns=2, viral=0.0, context=0.8,
                  input_tokens=12_000, reasoning=0.8, output_tokens=380, newest=3, movers=0.8),
    ),
    Group(
        "carrier_nat", "hard_negative", "customers of one mobile carrier behind a handful of addresses", 0.02, 200_000, 3.0, floor=60,
        network=Network(kinds=(("mobile", 1.0),), shared=3, local=True, fresh=0.3), clients=Clients(kinds=(("app", 0.7), ("browser", 0.3))),
        tempo=Tempo(volume_sd=1.1, rhythm=0.9, one_zone=True, session=4),
    ),
    Group(
        "launch_crowd", "hard_negative", "new accounts on the day of a release, all for the new model, trying what is talked about", 0.03, 200_000, 5.0, floor=60,
        signup=Signup(cohort_hours=30, at_release=True, tiers=(("free", 0.8), ("standard", 0.2)), paying=0.2),
        tempo=Tempo(volume_sd=1.1, after_release=True, sync=0.5, session=5, stagger=0.2), days=4,
        talk=Talk(viral=0.35, newest=0.001, movers=1.0),
    ),
    Group(
        "browser_extension", "hard_negative", "users of a browser extension with one fixed template, each with fillings of their own", 0.025, 200_000, 4.0, floor=60,
        clients=Clients(kinds=(("browser", 1.0),)),
        tempo=Tempo(volume_sd=1.2, session=2),
        talk=Talk(fill=(("datum", 0.5), ("ask", 0.3), ("foreign", 0.2)), head=(("apphead", 1.0),), head_scope="group", variants=4,
                  tail="apptail", system="group", viral=0, output_tokens=140),
    ),
    Group(
        "hackathon", "hard_negative", "a weekend: new accounts in a day, the same starter kit, the sponsor's prepaid cards", 0.008, 500, 30.0, floor=30,
        span=(0.3, 1.0), days=2,
        signup=Signup(cohort_hours=7, tiers=(("standard", 1.0),), paying=1.0, cards=(("sponsor", 0.85), ("bank", 0.15)), from_network=0.3),
        network=Network(kinds=(("campus", 1.0),), shared=2, local=True, fresh=0.2), clients=Clients(kinds=(("sdk", 1.0),), fleet=2),
        tempo=Tempo(volume_sd=0.9, rhythm=0.2, sync=0.4, session=3, one_zone=True, stagger=0.1, active=(9, 0.2)),
        talk=Talk(fill=(("ask", 0.4), ("code", 0.4), ("datum", 0.2)), head=(("apphead", 1.0),), templated=0.4, system="group", tools="group",
                  newest=0.2, movers=1.0),
    ),
)  # fmt: skip
