import pytest

from support.reconciler import WrittenStatement


@pytest.fixture
def bank() -> WrittenStatement:
    return WrittenStatement()
