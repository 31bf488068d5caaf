"""Cues: what a prompt asks for in so many words. Weak alone (people ask for reasoning too); they name what is targeted.

A pattern is one or more phrases that follow each other within GAP tokens (``…`` stands between them); ``|`` separates
alternatives of a word. Case, accents, digits and punctuation are folded as everywhere, so a digit stands for any number.
"""

from functools import lru_cache
from itertools import product
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from stillwatch.text.jit import compiled
from stillwatch.text.tokens import tokenise

GAP: Final = 10  # tokens that may stand between two phrases of a pattern
WORDS: Final = 16  # longest phrase, in tokens
_SLOTS: Final = 4096


class Cue(NamedTuple):
    """One thing that a prompt may ask for; ``name`` is cited in findings."""

    bit: int
    name: str
    label: str
    patterns: tuple[str, ...]


CUES: Final = (
    Cue(
        0,
        "reasoning",
        "asks that reasoning be written out",
        (
            "think|thinking|reason|reasoning|work|solve|proceed|explain|answer|break … step by step",
            "think|thinking|reason|reasoning|work|solve|proceed|explain|answer … step-by-step",
            "step by step … reasoning|explanation|thinking|solution|answer|derivation",
            "let's think|reason|work",
            "chain of thought|thoughts|reasoning",
            "show|write|explain|include|provide|give|describe|detail … your|full|complete|detailed|entire reasoning|working|thinking",
            "show|write|explain … your thought|reasoning process",
            "think|reason|thinking|reasoning out|aloud loud|before|first|carefully|through",
            "think|reason aloud",
            "reasoning|thought|thinking trace|traces|process|steps",
            "intermediate|internal|inner reasoning|steps|thoughts|monologue",
            "scratchpad",
            "before answering|responding … think|reason",
            "think|reason … before answering|responding|you",
            "think tags",
            "一步一步|一步步|逐步|分步 … 思考|推理|分析|解答|推导|说明|解释|计算",
            "思考|推理|分析|解答|推导 … 一步一步|一步步|逐步|分步",
            "思维链|思考过程|推理过程|解题过程|推理步骤|思考步骤",
            "paso a paso",
            "explica|muestra|escribe|detalla … tu|su razonamiento",
            "cadena de pensamiento|razonamiento",
            "etape par etape",
            "pas a pas",
            "explique|expliquez|montre|montrez|detaille|detaillez … ton|votre raisonnement",
            "chaine de pensee|raisonnement",
            "schritt für schritt",
            "schrittweise",
            "erkläre|zeige|zeig|erläutere … deine|ihre|den|die überlegungen|gedankengang|denkweise|begründung|überlegung",
            "gedankenkette|denkprozess|gedankengang",
            "шаг за шагом",
            "пошагово",
            "покажи|покажите|объясни|объясните|опиши|опишите … ход|рассуждения|рассуждений|мыслей|решения",
            "ход рассуждений|рассуждения|мыслей",
            "цепочка|цепочку рассуждений|мыслей",
            "ステップバイステップ",
            "段階的に|順を追って|一歩ずつ|ステップごとに",
            "思考過程|推論過程|思考の連鎖|思考プロセス|推論プロセス",
            "단계별로|단계적으로|차근차근",
            "사고 과정|과정을",
            "추론 과정|과정을",
            "passo a passo",
            "passo dopo|per passo",
            "cadeia de pensamento|raciocinio",
        ),
    ),
    Cue(
        1,
        "reconstruction",
        "asks for the reasoning behind an answer already given",
        (
            "articulate|reconstruct|recover|imagine|infer|reveal … reasoning|thinking|thought|rationale",
            "reasoning|thinking|rationale|thought behind|underlying … completed|response|answer|output|solution|reply",
            "reasoning|thinking|thoughts|steps that|which led|lead|produced|leads",
            "how … arrived|arrive at … answer|response|conclusion|output",
            "given … answer|response|solution|output … write|produce|generate|reconstruct … reasoning|thinking|thought",
            "internal|hidden|private reasoning|thoughts|monologue|deliberation … behind|that",
            "还原|重构|重建|反推|补全 … 推理|思考|思维",
            "reconstruye|reconstruir|articula … razonamiento",
            "reconstitue|reconstituez|articule … raisonnement",
            "rekonstruiere|rekonstruieren … gedankengang|überlegungen|denkprozess",
            "восстанови|восстановите|реконструируй … рассуждения|рассуждений|мыслей",
            "推論を再構成|思考過程を再現|推論を再現",
            "추론을 재구성|복원",
        ),
    ),
    Cue(
        2,
        "rubric",
        "asks for a grade by a scale or rubric",
        (
            "score|rate|grade|rating|scale|mark|assess|evaluate|points … from|between 0 to|and|through 0",
            "score|rate|grade|rating|scale … 0 to|through|out 0|of",
            "scale of 0",
            "rate|score|grade|evaluate|assess|judge … response|answer|output|completion|reply|essay|solution … rubric|criteria|scale|score",
            "rubric|rubrics|criteria … score|grade|rate|rating|evaluate|assign|assess",
            "score|grade|rate|rating|evaluate|assign|assess … rubric|rubrics",
            "assign|give|output … score|grade|rating … 0",
            "impartial judge",
            "打分|评分|分数 … 0",
            "0 … 打分|评分|分数",
            "评分标准|评分细则|评分规则|评价标准",
            "puntúa|puntua|califica|calificar|puntuación … 0",
            "rúbrica",
            "note|notez|évalue|évaluez|attribue|attribuez … 0 à 0",
            "barème|grille d'évaluation",
            "bewerte|bewerten|benote|benoten … 0 bis 0",
            "bewertungskriterien|bewertungsraster|bewertungsskala",
            "оцени|оцените|оценку|оценка … от 0 до 0",
            "критерии|критериям|шкале|шкала оценки|оценивания|от",
            "採点|評価して|評価してください … 0",
            "0 … 採点|点数|段階で評価",
            "採点基準|評価基準",
            "평가|점수|채점 … 0",
            "0 … 점수|채점|평가",
            "채점 기준|기준에",
            "avalie|pontue|valuta|assegna … 0",
        ),
    ),
    Cue(
        3,
        "preference",
        "asks which of several answers is better",
        (
            "which|what … response|answer|output|completion|assistant|reply|solution is|are|was better|best|preferable|superior|preferred",
            "response|answer|assistant|output|option|model a|0 … response|answer|assistant|output|option|model b|0 … better|prefer|preferred|best|winner|tie",
            "compare … two|following|both responses|answers|outputs|completions|assistants",
            "rank … responses|answers|outputs|completions|candidates",
            "chosen … rejected",
            "哪个|哪一个|哪种 … 回答|回复|答案|更好",
            "比较 … 两个|两种 … 回答|回复|答案",
            "cuál|cual … respuesta … mejor",
            "quelle|laquelle … réponse … meilleure",
            "welche … antwort … besser|beste",
            "какой|какая … ответ … лучше",
            "どちら|どの … 回答|応答 … 良い|優れ|適切",
            "어느|어떤 … 답변|응답 … 더",
        ),
    ),
    Cue(
        4,
        "language",
        "asks that the thinking be in the user's language",
        (
            "think|thinking|reason|reasoning|thoughts|thought … same language",
            "same language … think|thinking|reason|reasoning|thoughts|thought",
            "think|thinking|reason|reasoning|thoughts|thought … language … user|question|prompt|query|input|problem",
            "language of … user|question|prompt|query|input … think|thinking|reason|reasoning|thoughts",
            "do not|never mix|switch … languages|language",
            "思考|推理|思维 … 相同|同样|同一|一致 … 语言",
            "思考|推理|思维 … 用户|提问|问题 … 语言",
            "相同|同样|同一 … 语言 … 思考|推理",
            "piensa|razona|razonamiento|pensamiento … mismo idioma",
            "pense|raisonne|réfléchis|réflexion|raisonnement … même|meme langue",
            "denke|denken|überlege|überlegungen|gedanken … selben|derselben|gleichen sprache",
            "думай|рассуждай|рассуждения|мысли … том|этом же языке",
            "думай|рассуждай|рассуждения|мысли … языке … пользователя|вопроса|запроса",
            "思考|推論|考え … 同じ言語",
            "同じ言語 … 思考|推論|考え",
            "같은 언어로 … 생각|추론|사고",
            "생각|추론|사고 … 같은 언어",
        ),
    ),
    Cue(
        5,
        "rewriting",
        "asks that a given text be rewritten",
        (
            "rewrite|rephrase|paraphrase|reword|reformulate … following|this|given|below|text|sentence|paragraph|prompt|instruction|question",
            "make … more complex|difficult|challenging … version|prompt|instruction|question",
            "rewrite|evolve … into … more|complex|harder|version",
            "改写|重写|润色 … 以下|下面|这段|句子|文本|问题|指令",
            "reescribe|reformula|parafrasea … siguiente|este|texto|frase",
            "réécris|réécrivez|reformule|reformulez|paraphrase … suivant|suivante|ce|texte|phrase",
            "umschreiben|formuliere|formulieren|schreibe … folgenden|text|satz … um|neu",
            "перепиши|перепишите|перефразируй|перефразируйте",
            "書き換え|言い換え|リライト",
            "다시 써|작성해|쓰세요",
            "바꿔 써|쓰세요",
        ),
    ),
    Cue(
        6,
        "generation",
        "asks for new tasks, questions or training examples",
        (
            "generate|create|write|produce|come|list|invent|provide|give … 0|diverse|new|multiple|several|unique|set|many|more … "
            "instructions|tasks|questions|prompts|examples|problems|dialogues|conversations|samples|queries|exercises",
            "set|list of 0 … instructions|tasks|questions|prompts|examples|problems|samples",
            "task instructions",
            "synthetic data|dataset|examples|samples|conversations",
            "training data|examples|samples|pairs|dataset … generate|create|produce|write",
            "generate|create|produce|write … training data|examples|samples|pairs",
            "question answer|and pairs|answer … generate|create|produce|write",
            "生成|编写|创建|给出|设计|写出 … 0|多样|不同|多个 … 指令|任务|问题|题目|样本|示例|对话",
            "训练数据|合成数据|训练样本",
            "genera|crea|escribe|inventa … 0|diversas|nuevas|diversos … instrucciones|tareas|preguntas|ejemplos|problemas",
            "génère|générez|crée|créez|rédige|rédigez … 0|diverses|nouvelles|divers … instructions|tâches|questions|exemples|problèmes",
            "generiere|erstelle|erzeuge|schreibe … 0|verschiedene|vielfältige|neue … anweisungen|aufgaben|fragen|beispiele",
            "сгенерируй|сгенерируйте|создай|создайте|придумай|придумайте|напиши … 0|разнообразных|новых|различных … "
            "инструкций|заданий|вопросов|задач|примеров",
            "0 … 指示|タスク|質問|問題|例 … 生成|作成|考えて",
            "学習データ|訓練データ|合成データ",
            "0 … 지시|과제|질문|문제|예시 … 생성|작성|만들",
            "학습 데이터|훈련 데이터",
        ),
    ),
    Cue(
        7,
        "agentic",
        "asks for planning with tools over several steps",
        (
            "you have|given access to … tools|tool|functions|terminal|shell|browser|environment|repository",
            "use|using|call|invoke|following|available tools|tool|functions",
            "function|tool calls|call|calling|use",
            "thought action|0 … observation|action",
            "autonomous|software agent|engineer|engineering",
            "swe agent|bench",
            "run … command|commands|tests … fix|repository|repo|codebase",
            "工具调用|函数调用|智能体|调用工具|使用工具",
            "llamada a herramientas|funciones",
            "appel d'outils|de",
            "werkzeugaufruf|funktionsaufruf",
            "вызов|вызови|используй инструмента|инструмент|инструменты|функции",
            "ツールを使|関数呼び出し|エージェント",
            "도구를 사용|호출",
            "함수 호출",
        ),
    ),
    Cue(
        8,
        "coding",
        "asks for program code",
        (
            "write|create|implement|develop|build|code|generate|design|make|need|give … "
            "function|program|script|code|class|method|algorithm|query|regex|app|application|api|component … ",
            "python|javascript|typescript|java|rust|golang|kotlin|swift|php|ruby|perl|sql|html|css|react|bash|django|numpy|pandas|pytorch",
            "c++|c# … program|code|function|class|write",
            "def return",
            "unit tests|test",
            "debug|fix|refactor|optimize|review … code|function|bug|script|program|error",
            "编写|写|实现|用 … 函数|程序|代码|脚本|算法|类",
            "escribe|crea|implementa … función|programa|código|script|algoritmo",
            "écris|écrivez|implémente|implémentez|crée … fonction|programme|code|script|algorithme",
            "schreibe|schreib|implementiere|erstelle … funktion|programm|code|skript|algorithmus",
            "напиши|напишите|реализуй|создай … функцию|программу|код|скрипт|алгоритм",
            "関数|プログラム|コード|スクリプト … 書いて|作成|実装",
            "함수|프로그램|코드|스크립트 … 작성|구현|만들",
        ),
    ),
    Cue(
        9,
        "structured",
        "asks for machine-readable output and nothing else",
        (
            "return|output|respond|reply|answer|provide|produce … only|valid|strictly … json|xml|csv|yaml",
            "only|valid|strictly … json|xml|csv|yaml … object|output|format|response|nothing",
            "json format|object|array|schema|only",
            "no|without|any other|additional|extra|explanation|commentary … text|output|explanation|words",
            "only the|with answer|output|result|code|final|label|letter|number",
            "do not|don't include|add|write|provide|output … explanation|explanations|commentary|anything else|else",
            "只|仅 … 输出|返回|回复|回答 … json",
            "json格式|格式的json",
            "不要 … 解释|说明|多余|其他内容",
            "solo|sólo|únicamente … json|respuesta",
            "uniquement|seulement … json|réponse",
            "nur|ausschließlich … json|antwort|ausgabe",
            "только … json|ответ",
            "jsonのみ|json形式",
            "json 형식|만",
        ),
    ),
)


class Rules(NamedTuple):
    """Patterns as compiled code reads them: one row a wording of a phrase, grouped by the hash of its first word."""

    firsts: NDArray[np.uint64]  # hash of the first word
    words: NDArray[np.uint64]  # rules x WORDS
    steps: NDArray[np.int32]  # rules x 4: words, the step that must have been reached before (or -1), its own step, bits
    starts: NDArray[np.int32]  # first rule of each slot, and the end of the last


def names(bits: int) -> tuple[str, ...]:
    """Names of the cues in a bit set."""
    return tuple(cue.name for cue in CUES if bits >> cue.bit & 1)


def _tokens(text: str) -> tuple[int, ...]:
    """Token hashes of ``text``."""
    data = np.frombuffer(text.encode(), np.uint8)
    tokens, marks = np.empty(len(data) + 1, np.uint64), np.empty(len(data) + 1, np.uint8)
    return tuple(int(token) for token in tokens[: tokenise(data, 0, len(data), tokens, marks)])


def _phrases(part: str) -> list[tuple[int, ...]]:
    """Every wording of one phrase of a pattern, in order and without repeats."""
    wordings = product(*(word.split("|") for word in part.split()))
    return list(dict.fromkeys(_tokens(" ".join(wording)) for wording in wordings))


@lru_cache(maxsize=1)
def compile_cues() -> Rules:
    """CUES as compiled code reads them."""
    rows: list[tuple[tuple[int, ...], int, int, int]] = []
    step = 0
    for cue in CUES:
        for pattern in cue.patterns:
            parts = [_phrases(part) for part in pattern.split("…") if part.strip()]
            for place, wordings in enumerate(parts):
                bits = 1 << cue.bit if place == len(parts) - 1 else 0
                rows += [(wording, step - 1 if place else -1, step, bits) for wording in wordings]
                step += 1
    rows.sort(key=lambda row: row[0][0] % _SLOTS)  # stable: steps of one pattern stay in order
    words, steps = np.zeros((len(rows), WORDS), np.uint64), np.zeros((len(rows), 4), np.int32)
    for index, (wording, before, own, bits) in enumerate(rows):
        words[index, : len(wording)] = wording
        steps[index] = len(wording), before, own, bits
    slots = words[:, 0] % np.uint64(_SLOTS)
    return Rules(words[:, 0].copy(), words, steps, np.searchsorted(slots, np.arange(_SLOTS + 1, dtype=np.uint64)).astype(np.int32))


@compiled
def match(
    tokens: NDArray[np.uint64],
    count: int,
    passed: int,
    firsts: NDArray[np.uint64],
    words: NDArray[np.uint64],
    steps: NDArray[np.int32],
    starts: NDArray[np.int32],
    reached: NDArray[np.int64],
) -> int:
    """Bit set of the cues found in ``count`` tokens.

    ``reached`` is scratch, one item a step: where each was last reached, counting from ``passed``, which must grow from
    text to text by more than its tokens and GAP, so that nothing need be wiped.
    """
    bits = 0
    for at in range(count):
        token = tokens[at]
        slot = token & np.uint64(_SLOTS - 1)
        for rule in range(starts[slot], starts[slot + np.uint64(1)]):
            if firsts[rule] != token:
                continue
            length, before = steps[rule, 0], steps[rule, 1]
            if at + length > count or (before >= 0 and not 0 <= passed + at - reached[before] <= GAP):
                continue
            same = 1
            while same < length and tokens[at + same] == words[rule, same]:
                same += 1
            if same == length:
                reached[steps[rule, 2]] = passed + at + length
                bits |= steps[rule, 3]
    return bits
