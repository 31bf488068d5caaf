"""The campaigns of the public record (design, "What is on the public record"), as one table.

Numbers of accounts are the record's; rates are its requests over its accounts and days. Where the record is silent the
traits of advisory AA26-251A are used: full rate at once, many addresses and user agents an account, shared prefixes,
failover between pathways, similar registration and payment. All are the providers' allegations.
"""

from stillwatch.lab.spec import Clients, Group, Mix, Network, Signup, Talk, Tempo

_API: Mix = (("sdk", 0.7), ("raw", 0.3))
_RENTED: Mix = (("hosting", 0.75), ("isp", 0.25))
_MAILS: Mix = (("webmail", 0.7), ("private", 0.1), ("disposable", 0.2))
_CARDS: Mix = (("bank", 0.5), ("prepaid", 0.2), ("virtual", 0.3))
_BUYER: Mix = (("standard", 0.7), ("pro", 0.3))

CAMPAIGNS: tuple[Group, ...] = (
    Group(
        "deepseek_2026", "campaign", "synchronised, shared payment, load balancing; rubric grading and reasoning behind answers", 0.04, 300, 36.0, floor=40,
        days=14,
        signup=Signup(cohort_hours=40, lead_days=3, tiers=_BUYER, verified=0.2, paying=1.0, payers=12, cards=_CARDS, mail=_MAILS, from_network=0.5),
        network=Network(kinds=_RENTED, addresses=3, fresh=0.15), clients=Clients(kinds=_API, fleet=6, rotate=0.1),
        tempo=Tempo(volume_sd=0.15, window_sd=1.2, rhythm=0.1, active=(9, 0.2), sync=0.95, queue=1.0, session=1, stagger=0),
        talk=Talk(fill=(("item", 0.6), ("maths", 0.25), ("coding_item", 0.15)), fill_scope="task", head=(("rubric", 0.5), ("behind", 0.5)), head_scope="group",
                  variants=4, probing=0.06, tail="criterion", context=0, many_topics=True, viral=0, output_tokens=850, reasoning=0.6, temperature=0.7),
    ),
    Group(
        "moonshot_2026", "campaign", "accounts of varied types and pathways; agentic reasoning, coding and tool use", 0.05, 500, 110.0, floor=50, days=30,
        signup=Signup(cohort_hours=200, lead_days=6, tiers=(("free", 0.2), ("standard", 0.5), ("pro", 0.3)), paying=0.85, payers=6, cards=_CARDS,
                      mail=_MAILS),
        network=Network(kinds=(("hosting", 0.5), ("isp", 0.5)), addresses=4, fresh=0.2),
        clients=Clients(kinds=(("agent", 0.4), ("sdk", 0.4), ("raw", 0.2)), fleet=20, rotate=0.15),
        tempo=Tempo(volume_sd=0.5, rhythm=0.3, active=(5, 0.3), sync=0.6, queue=0.9, session=5, stagger=0.3),
        talk=Talk(fill=(("coding_item", 1.0),), fill_scope="task", head=(("agentic", 0.6), ("engineer", 0.4)), head_scope="group",
                  variants=6, probing=0.04, context=0, many_topics=True, viral=0, system="group", tools="group", turns=3, input_tokens=6000,
                  output_tokens=700, reasoning=0.9, pathways=(("first_party", 0.5), ("cloud", 0.35), ("aggregator", 0.15)), failover=0.1),
    ),
    Group(
        "minimax_2026", "campaign", "a proxy network, mixed with unrelated customers; half its traffic moves to a new model in a day", 0.10, 20_000, 11.0,
        floor=120, days=60,
        signup=Signup(cohort_hours=400, lead_days=4, tiers=(("free", 0.5), ("standard", 0.5)), paying=0.6, payers=25, cards=_CARDS, mail=_MAILS, phones=8),
        network=Network(kinds=(("isp", 0.7), ("hosting", 0.3)), addresses=5, fresh=0.3), clients=Clients(kinds=_API, fleet=30, rotate=0.3),
        tempo=Tempo(volume_sd=0.6, rhythm=0.3, active=(5, 0.3), sync=0.5, queue=0.8, session=1.5, stagger=0.3),
        talk=Talk(fill=(("coding_item", 0.8), ("item", 0.2)), fill_scope="task", head=(("engineer", 0.6), ("reason", 0.4)),
                  head_scope="group", variants=5, context=0, many_topics=True, viral=0, admixture=0.45, newest=1.44, movers=1.0,
                  output_tokens=700, reasoning=0.7),
    ),
    Group(
        "google_traces_2026", "campaign", "reasoning traces in many languages, with the thinking asked in the user's language", 0.03, 150, 48.0, floor=20, days=14,
        signup=Signup(cohort_hours=60, lead_days=2, tiers=_BUYER, paying=0.9, payers=8, cards=_CARDS, mail=_MAILS),
        network=Network(kinds=_RENTED, addresses=2, fresh=0.1), clients=Clients(kinds=_API, fleet=4),
        tempo=Tempo(volume_sd=0.3, rhythm=0.1, active=(9, 0.2), sync=0.8, queue=1.0, session=1, stagger=0),
        talk=Talk(fill=(("many_tongues", 0.8), ("maths", 0.2)), fill_scope="task", head=(("tongues", 1.0),), head_scope="group", variants=3,
                  context=0, many_topics=True, viral=0, output_tokens=1100, reasoning=1.0),
    ),
    Group(
        "alibaba_2026", "campaign", "very many accounts at a few requests a day; software engineering and agentic reasoning", 0.12, 25_000, 23.0, floor=150,
        days=60,
        signup=Signup(cohort_hours=500, lead_days=8, tiers=(("free", 0.6), ("standard", 0.4)), paying=0.5, payers=10, cards=_CARDS, mail=_MAILS, phones=12),
        network=Network(kinds=(("hosting", 0.5), ("isp", 0.5)), addresses=2, fresh=0.2), clients=Clients(kinds=_API, fleet=12, rotate=0.1),
        tempo=Tempo(volume_sd=0.4, rhythm=0.2, active=(5, 0.3), sync=0.6, queue=0.95, session=2, stagger=0.2),
        talk=Talk(fill=(("coding_item", 1.0),), fill_scope="task", head=(("engineer", 0.7), ("agentic", 0.3)), head_scope="group",
                  variants=6, probing=0.03, context=0, many_topics=True, viral=0, system="group", input_tokens=2500, output_tokens=900, reasoning=0.8),
    ),
    Group(
        "alibaba_second_pool_2026", "campaign", "a pool that is blocked and a second that takes over; residential proxies, disposable mail, virtual cards",
        0.12, 8_500, 230.0, floor=120, days=75,
        signup=Signup(cohort_hours=70, lead_days=2, tiers=_BUYER, paying=0.95, payers=4, cards=(("virtual", 0.9), ("prepaid", 0.1)),
                      mail=(("disposable", 0.8), ("webmail", 0.2)), phones=10),
        network=Network(kinds=(("isp", 0.85), ("mobile", 0.15)), addresses=6, fresh=0.7), clients=Clients(kinds=_API, fleet=10, rotate=0.2),
        tempo=Tempo(volume_sd=0.3, rhythm=0.15, active=(9, 0.2), sync=0.7, queue=1.0, session=2, stagger=0,
                    pools=((3500, 0.0, 0.52), (5000, 0.53, 1.0))),
        talk=Talk(fill=(("coding_item", 0.8), ("item", 0.2)), fill_scope="task", head=(("engineer", 0.6), ("reason", 0.4)),
                  head_scope="group", variants=5, context=0, many_topics=True, viral=0, system="group", output_tokens=900, reasoning=0.9, failover=0.1),
    ),
    Group(
        "zhipu_2026", "campaign", "a few hundred accounts at a high rate for 17 days", 0.05, 273, 730.0, floor=24, days=17,
        signup=Signup(cohort_hours=20, lead_days=2, tiers=_BUYER, paying=1.0, payers=5, cards=_CARDS, mail=_MAILS),
        network=Network(kinds=_RENTED, addresses=3, fresh=0.1), clients=Clients(kinds=_API, fleet=5),
        tempo=Tempo(volume_sd=0.2, rhythm=0.1, active=(9, 0.2), sync=0.7, queue=1.0, session=1.5, stagger=0),
        talk=Talk(fill=(("item", 0.4), ("coding_item", 0.4), ("maths", 0.2)), fill_scope="task", head=(("reason", 0.7), ("engineer", 0.3)), head_scope="group",
                  variants=4, context=0, many_topics=True, viral=0, output_tokens=950, reasoning=0.9),
    ),
    Group(
        "moonshot_replay_2026", "campaign", "two days, about four requests an account; reasoning blocks replayed across conversations", 0.02, 4_000, 2.0, floor=50,
        span=(0.3, 1.0), days=2,
        signup=Signup(cohort_hours=48, lead_days=1, tiers=(("free", 1.0),), paying=0.05, mail=_MAILS),
        network=Network(kinds=(("isp", 0.6), ("hosting", 0.4)), addresses=1, fresh=0.5), clients=Clients(kinds=_API, fleet=8, rotate=0.2),
        tempo=Tempo(volume_sd=0.2, rhythm=0.2, active=(9, 0.2), sync=0.5, queue=0.7, session=1, stagger=0),
        talk=Talk(fill=(("maths", 0.4), ("coding_item", 0.4), ("item", 0.2)), fill_scope="task", head=(("behind", 1.0),), head_scope="group", variants=5,
                  context=0, many_topics=True, viral=0, turns=2, output_tokens=800, reasoning=1.0, crossing=0.85),
    ),
    Group(
        "alpaca_2023", "campaign", "a script that asks for twenty tasks around three seeds", 0.02, 30, 120.0, floor=10, days=21,
        signup=Signup(cohort_hours=90, lead_days=5, tiers=_BUYER, paying=1.0, payers=8, mail=(("webmail", 0.8), ("private", 0.2))),
        network=Network(kinds=_RENTED, addresses=1, fresh=0.03), clients=Clients(kinds=_API, fleet=2),
        tempo=Tempo(volume_sd=0.3, rhythm=0.1, active=(5, 0.3), sync=0.6, queue=1.0, session=1, stagger=0),
        talk=Talk(fill=(("seeds", 1.0),), fill_scope="task", head=(("tasks", 1.0),), head_scope="group", context=0, many_topics=True, viral=0,
                  output_tokens=2200, output_sd=0.3, reasoning=0.0, temperature=1.0),
    ),
)  # fmt: skip
