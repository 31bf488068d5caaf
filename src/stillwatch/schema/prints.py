"""Fingerprints of text: what the signals read instead of the text itself.

They are computed once a request (by ``stillwatch.text``), either inside ``detect`` or at the door by
``--pseudonymise``, which then drops the text. All hashes are 64-bit and signed, because Spark has no unsigned integers.
"""

import pyarrow as pa

#: The text-derived columns. A canonical log may carry them beside, or in place of, the text columns.
PRINTS = pa.schema(
    [
        ("prompt_hash", pa.int64()),  # the whole prompt, after case, space and digits are folded; null if no prompt
        ("prompt_anchors", pa.list_(pa.int64())),  # hashes of phrases a template would leave in each of its prompts
        ("prompt_words", pa.int32()),  # words in the prompt
        ("prompt_cues", pa.int32()),  # bit set of stillwatch.text.cues.CUES
        ("prompt_form", pa.int32()),  # bit set of stillwatch.text.form: how the prompt is put
        ("prompt_sketch", pa.binary(32)),  # 32 signed bytes: a random projection of the words, for topic tests
        ("system_hash", pa.int64()),  # the whole system prompt
        ("system_anchors", pa.list_(pa.int64())),
        ("response_words", pa.int32()),
    ]
)
