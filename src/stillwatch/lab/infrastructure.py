"""What accounts go by: networks, client software, mail domains, cards, phones. Every seed has a different internet."""

from dataclasses import dataclass

import numpy as np

from stillwatch.lab.columns import Column, column, concatenate, join, pick, texts
from stillwatch.lab.grammar import coin
from stillwatch.lab.keyed import Ints, Keys, below, choose, keys, uniform, zipf

#: Country, weight among customers, hours from UTC, language with patterns of its own ("" is English), phone code.
COUNTRIES: tuple[tuple[str, float, int, str, str], ...] = (
    ("US", 30, -6, "", "1"), ("IN", 12, 5, "hi", "91"), ("GB", 6, 0, "", "44"), ("DE", 5, 1, "de", "49"),
    ("BR", 5, -3, "pt", "55"), ("FR", 4, 1, "fr", "33"), ("JP", 4, 9, "ja", "81"), ("CA", 4, -5, "", "1"),
    ("CN", 3, 8, "zh", "86"), ("SG", 3, 8, "", "65"), ("ES", 2, 1, "es", "34"), ("MX", 2, -6, "es", "52"),
    ("ID", 2, 7, "", "62"), ("NG", 2, 1, "", "234"), ("AU", 2, 10, "", "61"), ("NL", 2, 1, "", "31"),
    ("KR", 2, 9, "", "82"), ("IT", 2, 1, "", "39"), ("PL", 1.5, 1, "", "48"), ("TR", 1.5, 3, "", "90"),
    ("UA", 1, 2, "ru", "380"), ("VN", 1, 7, "", "84"), ("PK", 1, 5, "", "92"), ("AR", 1, -3, "es", "54"),
    ("IL", 1, 2, "", "972"), ("SE", 1, 1, "", "46"), ("TW", 1, 8, "zh", "886"), ("KZ", 0.5, 5, "ru", "7"),
)  # fmt: skip
ZONES = np.array([row[2] for row in COUNTRIES])
_WEIGHTS = np.array([row[1] for row in COUNTRIES])

#: Kind of network: systems a country has, binary logarithm of the addresses of each, Zipf exponent of their sizes.
#: Few addresses for many customers is carrier-grade translation (mobile) or a privacy service's exits (vpn).
_KINDS = {
    "isp": (7, 18, 1.0), "mobile": (3, 9, 1.0), "hosting": (6, 16, 0.7), "office": (25, 12, 0.3), "campus": (5, 6, 0.3),
    "vpn": (2, 5, 1.0),
}  # fmt: skip
_SIX = 0.25  # share of the providers of homes whose customers have IPv6, a /64 each

_WEBMAIL = (
    "gmail.com", "outlook.com", "yahoo.com", "hotmail.com", "icloud.com", "qq.com", "163.com", "proton.me",
    "gmx.de", "web.de", "mail.ru", "orange.fr", "naver.com", "yahoo.co.jp", "uol.com.br", "libero.it",
)  # fmt: skip
_ISSUERS = {"bank": 90, "prepaid": 40, "virtual": 12}
_SUFFIXES = (".com", ".io", ".net", ".org", ".dev", ".co", ".ai", ".de", ".co.uk", ".in")


@dataclass(frozen=True, slots=True)
class Software:
    """One client program: how it names itself, what it runs on, what it asks for unless told otherwise."""

    kind: str
    name: str  # ``{v}`` is its version, ``{p}`` its platform
    runtime: str
    weight: float
    versions: int
    temperature: float | None
    max_tokens: int | None
    stream: bool


_CHROME = "Mozilla/5.0 ({p}) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/1{v}.0.0.0 Safari/537.36"
SOFTWARE: tuple[Software, ...] = (
    Software("browser", _CHROME, "chrome", 60, 12, None, None, True),
    Software("browser", _CHROME + " Edg/1{v}.0.0.0", "chrome", 14, 8, None, None, True),
    Software("browser", "Mozilla/5.0 ({p}; rv:1{v}.0) Firefox/1{v}.0", "firefox", 9, 8, None, None, True),
    Software("browser", "Mozilla/5.0 (Macintosh) Version/{v}.1 Safari/605.1.15", "safari", 17, 6, None, None, True),
    Software("app", "ChatApp/2.{v} (iPhone; iOS 18)", "cfnetwork", 55, 9, None, None, True),
    Software("app", "ChatApp/2.{v} (Android 15)", "okhttp", 45, 9, None, None, True),
    Software("sdk", "Client/Python 1.{v}.0", "httpx", 52, 30, 1.0, None, False),
    Software("sdk", "Client/JS 4.{v}.1", "node", 26, 30, 1.0, 4096, True),
    Software("sdk", "Client/Go 0.{v}.0", "go", 5, 12, 1.0, 4096, False),
    Software("sdk", "Client/Java 2.{v}", "java", 4, 12, 1.0, 1024, False),
    Software("sdk", "langchain/0.{v}", "httpx", 9, 15, 0.7, None, False),
    Software("sdk", "litellm/1.{v}.0", "aiohttp", 4, 20, None, None, True),
    Software("agent", "codepilot-cli/1.{v} ({p})", "node", 45, 25, None, 32000, True),
    Software("agent", "opencoder/0.{v} ({p})", "bun", 30, 18, 0.0, 8192, True),
    Software("agent", "ide-agent/3.{v} ({p})", "electron", 25, 14, 0.2, 8192, True),
    Software("raw", "python-requests/2.3{v}", "urllib3", 35, 6, 0.7, 2048, False),
    Software("raw", "aiohttp/3.{v}", "aiohttp", 22, 6, 0.7, 2048, False),
    Software("raw", "axios/1.{v}", "node", 16, 8, None, 2048, False),
    Software("raw", "Go-http-client/2.0", "go", 12, 1, None, 2048, False),
    Software("raw", "curl/8.{v}.0", "curl", 9, 6, None, None, False),
    Software("raw", "okhttp/4.{v}", "okhttp", 6, 4, None, 1024, False),
)  # fmt: skip
_PLATFORMS = ("Windows NT 10.0; Win64; x64", "Macintosh; Intel Mac OS X 10_15_7", "X11; Linux x86_64")


class Internet:
    """Autonomous systems, their addresses, and the client software in use, for one seed."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        rows = [
            (kind, country, size, rank**-exponent)
            for kind, (count, size, exponent) in _KINDS.items()
            for country in range(len(COUNTRIES))
            for rank in range(1, count + 1)
        ]
        index = np.arange(len(rows))
        self._kind = np.array([row[0] for row in rows])
        self._country = np.array([row[1] for row in rows])
        self._size = np.array([1 << row[2] for row in rows])
        self._weight = np.array([row[3] for row in rows])
        number = np.argsort(uniform(seed, "asn", np.arange(60_000)))[: len(rows)]
        self.asn = np.where(number < 25_000, number + 1200, number + 180_000).astype(np.int64)
        blocks = np.array([b for b in range(11 << 6, 223 << 6) if b >> 6 not in (100, 127, 169, 172, 192, 198, 203)])
        free = blocks[np.argsort(uniform(seed, "block", np.arange(len(blocks))))]  # blocks of 2^18 addresses
        self._base = (free[index] << 18) + below((1 << 18) - self._size + 1, seed, "offset", index)
        self._six = (self._kind == "isp") & (uniform(seed, "six", index) < _SIX)
        self._clients(seed)

    def systems(self, kind: str, country: Ints, key: Keys) -> Ints:
        """An autonomous system of ``kind`` for each account, in its country; mobile carriers share few addresses."""
        chosen = np.zeros(len(key), dtype=np.int64)
        for code in np.unique(country):
            here = np.nonzero((self._kind == kind) & (self._country == code))[0]
            rows = country == code
            order = here[np.argsort(uniform(self._seed, "rank", here))]
            chosen[rows] = order[choose(self._weight[here], key[rows], "system")]
        return chosen

    def countries(self, key: Keys) -> Ints:
        """A country for each account, as customers are spread."""
        return choose(_WEIGHTS, key, "country")

    def addresses(self, system: Ints, host: Keys, lease: Keys) -> Column:
        """Addresses of ``system`` by host key; equal keys are equal hosts.

        An IPv6 host changes the half of the address that is its own with each ``lease`` (RFC 8981).
        """
        number = self._base[system] + below(self._size[system], host, "address")
        octets = texts([str(i) for i in range(256)])
        four = join(*(pick(octets, (number >> shift) & 255) for shift in (24, 16, 8, 0)), by=".")
        six = self._six[system]
        if not six.any():
            return four
        groups = texts([f"{i:x}" for i in range(1 << 16)])
        network = (0x2A00 + system % 64, system * 37 % 65536, below(65536, host, "site"), below(256, host, "subnet"))
        own = (below(65536, lease, "interface", place) for place in range(4))
        parts = [pick(groups, each[six]) for each in (*network, *own)]
        place = np.where(six, len(six) + np.cumsum(six) - 1, np.arange(len(six)))
        return pick(concatenate([four, join(*parts, by=":")]), place)

    def country_of(self, system: Ints) -> Column:
        """Country codes of systems."""
        return pick(texts([row[0] for row in COUNTRIES]), self._country[system])

    def _clients(self, seed: int) -> None:
        agents: list[str] = []
        tls: list[str] = []
        order: list[str] = []
        program: list[int] = []
        weight: list[float] = []
        for number, software in enumerate(SOFTWARE):
            newest = 5 + int(below(60, seed, "version", number)[0])
            platforms = _PLATFORMS if "{p}" in software.name else ("",)
            for age in range(software.versions):
                for rank, platform in enumerate(platforms):
                    agents.append(software.name.format(v=newest + software.versions - age, p=platform))
                    library = keys("runtime", software.runtime, age // 6, rank if software.kind == "browser" else 0)
                    digits = f"{int(library[0]):016x}"
                    tls.append(f"t13d{1500 + number % 9:04d}h2_{digits[:12]}_{digits[4:]}")
                    order.append(f"ge20nn{int(keys('headers', software.runtime, number, age // 9)[0]):016x}")
                    program.append(number)
                    weight.append(software.weight * (age + 1) ** -1.3 * (0.6, 0.3, 0.1)[rank])
        self.user_agent, self.tls, self.header_order = texts(agents), texts(tls), texts(order)
        self.program, self._client_weight = np.array(program), np.array(weight)
        self._client_kind = np.array([SOFTWARE[number].kind for number in program])

    def clients(self, kind: str, key: Keys) -> Ints:
        """A client of ``kind`` (or of ``any``) by key: an index into ``user_agent``, ``tls`` and ``header_order``."""
        here = np.nonzero(self._client_kind == kind)[0] if kind != "any" else np.arange(len(self.program))
        return here[choose(self._client_weight[here], key, "client")]


def mail_domains(seed: int, kind: str, key: Keys, shared: Keys) -> Column:
    """Mail domains: webmail (Zipf), private (own), disposable (a few dozen), corporate or edu (by ``shared``)."""
    if kind == "webmail":
        return pick(texts(_WEBMAIL), choose(zipf(len(_WEBMAIL), 1.5), key, "webmail"))
    if kind == "disposable":
        names = [f"{name}{_SUFFIXES[i % 5]}" for i, name in enumerate(coin(seed, "disposable", 60))]
        return pick(texts(names), choose(zipf(60, 0.8), key, "disposable"))
    pool, whose = texts(coin(seed, "domains", 4000)), key if kind == "private" else shared
    first, last = (pick(pool, below(4000, whose, "domain", place)) for place in range(2))
    suffixes = _SUFFIXES if kind != "edu" else (".edu",)
    return join(first, last, pick(texts(suffixes), below(len(suffixes), whose, "suffix")))


def card_bins(seed: int, kind: str, country: Ints, key: Keys, shared: Keys) -> Column:
    """Issuer prefixes: banks of the country, prepaid programmes, virtual cards (Zipf), or the group's sponsor."""
    if kind == "sponsor":
        issuer = below(300_000, seed, "sponsor", shared)
    else:
        rank = choose(zipf(_ISSUERS[kind]), key, "issuer")
        issuer = below(300_000, seed, kind, rank, country if kind == "bank" else 0)
    return column((400_000 + issuer).astype(str))


def phone_prefixes(seed: int, country: Ints, key: Keys, rented: int, group: Keys) -> Column:
    """Blocks of phone numbers: Zipf within the country, or a few ``rented`` by the group."""
    if rented:
        choice = below(rented, key, "rented")
        country = below(len(COUNTRIES), group, "rented", choice)
        block = below(300, group, "rented block", choice)
    else:
        block = below(300, seed, "block", choose(zipf(40, 0.7), key, "prefix"), country)
    code = pick(texts(["+" + row[4] for row in COUNTRIES]), country)
    return join(code, column((600 + block).astype(str)), column((100 + below(900, seed, "range", block)).astype(str)))
