"""Names and values put into SQL mean themselves on both engines."""

import pyarrow as pa
import pytest

from stillwatch.engine import Engine
from stillwatch.engine.sql import floor_div, identifier, literal, literals

WORDS = ["", "it's", "a\\n\\", "\\", "\\'", 'x"y', "é\U0001f926\n", "--;"]


@pytest.mark.parametrize("value", [*WORDS, True, False, None, -7, 2**63 - 1, -(2**63), 0.1, -1e300, 5e-324])
def test_a_literal_is_the_value(engine: Engine, value: str | float | bool | None) -> None:
    name = 'a "b" `c`'
    got = engine.sql(f"SELECT {literal(value)} AS {identifier(name)}")
    assert got.column_names == [name]
    assert got.to_pylist() == [{name: value}]
    assert type(got[0][0].as_py()) is type(value)


def test_a_list_of_literals_holds_just_its_values(engine: Engine) -> None:
    engine.load("words", pa.table({"w": ["a", "it's", "b\\", None]}))
    chosen = ["it's", "b\\"]
    query = "SELECT w FROM words WHERE w IN {} ORDER BY w"
    assert engine.sql(query.format(literals(chosen)))["w"].to_pylist() == sorted(chosen)
    assert engine.sql(query.format(literals([]))).num_rows == 0


@pytest.mark.parametrize("dividend", [-8, -7, -1, 0, 6, 7, 2**53 - 1, 1_700_000_000_000_007])
def test_floor_div_is_pythons(engine: Engine, dividend: int) -> None:
    got = engine.sql(f"SELECT {floor_div(literal(dividend), 7)} AS q")
    assert got.to_pylist() == [{"q": dividend // 7}]
