"""The order on record: what is sent again is what was stored, whoever has touched the application since."""

import base64
from uuid import UUID

import orjson
import pytest

from fundline.domain.money import Money
from fundline.platform.secrets import SecretBox
from fundline.services.disbursement_worker.orders import OrderChanged, Orders

APPLICATION, PAYMENT = UUID(int=1), UUID(int=2)
AMOUNT = Money(120_050, "USD")
PAYEE = {"type": "us", "routingNumber": "021000021", "accountNumber": "998877665544"}
NAME = "Harbor Street Bakery LLC"


@pytest.fixture
def box(tmp_path):
    key = tmp_path / "account.key"
    key.write_bytes(base64.b64encode(bytes(range(32))) + b"\n")
    return SecretBox(key)


@pytest.fixture
def sealed(box):
    return box.seal(orjson.dumps(PAYEE), APPLICATION)


@pytest.fixture
def orders(box):
    return Orders(box)


def test_the_order_names_the_business_and_is_on_record_with_its_name(orders, sealed):
    order, on_record = orders.make(APPLICATION, PAYMENT, AMOUNT, sealed, NAME)
    assert order.payee_name == NAME
    assert orjson.loads(on_record)["payeeName"] == NAME
    assert orders.make_again(APPLICATION, PAYMENT, AMOUNT, sealed, NAME, on_record) == order


@pytest.mark.parametrize(
    ("amount", "name"), [(Money(120_051, "USD"), NAME), (AMOUNT, "Another Business LLC")]
)
def test_what_has_changed_since_is_not_sent_again(orders, sealed, amount, name):
    _, on_record = orders.make(APPLICATION, PAYMENT, AMOUNT, sealed, NAME)
    with pytest.raises(OrderChanged):
        orders.make_again(APPLICATION, PAYMENT, amount, sealed, name, on_record)


def test_an_order_of_before_names_were_sent_is_still_the_same_order(orders, sealed):
    _, on_record = orders.make(APPLICATION, PAYMENT, AMOUNT, sealed, NAME)
    form = orjson.loads(on_record)
    del form["payeeName"]
    before = orjson.dumps(form, option=orjson.OPT_SORT_KEYS).decode()
    assert orders.make_again(APPLICATION, PAYMENT, AMOUNT, sealed, NAME, before).payee_name == NAME
    with pytest.raises(OrderChanged):
        orders.make_again(APPLICATION, PAYMENT, Money(1, "USD"), sealed, NAME, before)
