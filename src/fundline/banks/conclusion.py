"""What may be concluded from everything that a bank has said of one payment: nothing, when it does not agree."""

from collections.abc import Sequence
from dataclasses import dataclass

from fundline.banks.bank import (
    Accepted,
    BankAnswer,
    BankAnswerUnexpected,
    Declined,
    Returned,
    Settled,
    Unclear,
)
from fundline.banks.payment_statuses import NOT_STATED, Meaning
from fundline.domain.money import Money


@dataclass(frozen=True, slots=True)
class Word:
    """One statement about the payment: an entry of a notification, a status of a report. None: it does not say.

    `reference` is the bank's id of the transaction, `code` why a payment was rejected or came back, `said` a sentence
    for people where the meaning is unclear.
    """

    meaning: Meaning
    reference: str | None = None
    amount: Money | None = None
    code: str | None = None
    said: str = ""


def conclude(words: Sequence[Word]) -> BankAnswer:
    """The same for every order of the words. Raises BankAnswerUnexpected when there are none."""
    if not words:
        raise BankAnswerUnexpected("the bank speaks of another payment")
    by_meaning = {meaning: [word for word in words if word.meaning is meaning] for meaning in Meaning}
    disagreement = _disagreement(by_meaning)
    if disagreement:
        return Unclear(disagreement)
    settled, rejected = by_meaning[Meaning.SETTLED], by_meaning[Meaning.REJECTED]
    references = [word.reference for word in settled if word.reference]
    came_back = by_meaning[Meaning.CAME_BACK]
    amounts = [word.amount for word in (*settled, *rejected, *came_back) if word.amount]
    if references and amounts and came_back:
        codes = [word.code for word in came_back if word.code]
        return Returned(references[0], codes[0] if codes else NOT_STATED, amounts[0])
    if references and amounts:
        return Settled(references[0], amounts[0])
    if rejected:
        codes = [word.code for word in rejected if word.code]
        return Declined(codes[0] if codes else NOT_STATED, amounts[0] if amounts else None)
    return Accepted()  # also what is called settled without amount or reference: its booking brings both


def _disagreement(by_meaning: dict[Meaning, list[Word]]) -> str:
    """A sentence; empty when the words agree."""
    if by_meaning[Meaning.UNCLEAR]:
        return " ".join(sorted({word.said for word in by_meaning[Meaning.UNCLEAR]}))
    settled, rejected = by_meaning[Meaning.SETTLED], by_meaning[Meaning.REJECTED]
    came_back = by_meaning[Meaning.CAME_BACK]
    if rejected and (settled or came_back):
        return "The bank says of one payment that it was settled and that it was rejected."
    if came_back and not any(word.reference and word.amount for word in settled):
        return (
            "The bank has booked money of the payment back, and does not say when it had booked the payment."
        )
    for what, found in (
        ("references", {word.reference for word in settled if word.reference}),
        ("amounts", {_text(word.amount) for word in (*settled, *rejected, *came_back) if word.amount}),
        ("reasons", {word.code for word in (*rejected, *came_back) if word.code}),
        ("returns", {word.reference for word in came_back if word.reference}),
    ):
        if len(found) > 1:
            return f"The bank names several {what} for one payment: {', '.join(sorted(found))}."
    return ""


def _text(amount: Money) -> str:
    return f"{amount.text()} {amount.currency}"
