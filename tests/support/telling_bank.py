"""A bank that says what the test tells it to say."""

from uuid import UUID

from fundline.banks.bank import BankAnswer, PaymentOrder

Said = BankAnswer | Exception | None


class Telling:
    """It remembers what it was asked."""

    def __init__(self) -> None:
        self.answers_to_pay: list[BankAnswer | Exception] = []
        self.answer_to_find: Said = None
        self.orders: list[PaymentOrder] = []
        self.looked_up = 0

    async def pay(self, order: PaymentOrder) -> BankAnswer | None:
        self.orders.append(order)
        return self._say(self.answers_to_pay.pop(0))

    async def find(self, payment_id: UUID) -> BankAnswer | None:
        self.looked_up += 1
        return self._say(self.answer_to_find)

    def _say(self, answer: Said) -> BankAnswer | None:
        if isinstance(answer, Exception):
            raise answer
        return answer
