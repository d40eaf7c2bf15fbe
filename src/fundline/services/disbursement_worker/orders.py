"""The order to the bank, and its one canonical form: what proves that a payment sent again is the same payment.

The canonical form is stored before anything is sent, and the database refuses to change it. It holds no account number:
in its place stands a digest under the account key, so that nobody can find the number by trying all of them.
"""

from uuid import UUID

import orjson

from fundline.banks.bank import PaymentOrder
from fundline.domain.money import Money
from fundline.platform.secrets import SecretBox


class OrderChanged(Exception):
    """The order made from the application differs from the one on record: it must not be sent, a person must look."""


class Orders:
    def __init__(self, secrets: SecretBox) -> None:
        self._secrets = secrets

    def make(
        self, application_id: UUID, payment_id: UUID, amount: Money, sealed_account: bytes, payee_name: str
    ) -> tuple[PaymentOrder, str]:
        """The order and its canonical form. Raises SealBroken."""
        payee = orjson.loads(self._secrets.open(sealed_account, application_id))
        order = PaymentOrder(payment_id, amount, payee, str(application_id), payee_name)
        return order, self._canonical(order)

    def make_again(
        self,
        application_id: UUID,
        payment_id: UUID,
        amount: Money,
        sealed_account: bytes,
        payee_name: str,
        on_record: str | None,
    ) -> PaymentOrder:
        """The order that was stored as `on_record`. Raises SealBroken, OrderChanged."""
        order, canonical = self.make(application_id, payment_id, amount, sealed_account, payee_name)
        if on_record not in {canonical, self._canonical(order, has_name=False)}:
            raise OrderChanged(f"payment {payment_id} would not be the order on record; it is not sent")
        return order

    def _canonical(self, order: PaymentOrder, *, has_name: bool = True) -> str:
        """Without a name: of orders that were stored before names were sent."""
        payee = orjson.dumps(order.payee, option=orjson.OPT_SORT_KEYS)
        form = {
            "amount": order.amount.text(),
            "currency": order.amount.currency,
            "payeeDigest": self._secrets.digest(payee, order.payment_id).hex(),
            **({"payeeName": order.payee_name} if has_name else {}),
            "paymentId": str(order.payment_id),
            "reference": order.reference,
        }
        return orjson.dumps(form, option=orjson.OPT_SORT_KEYS).decode()
