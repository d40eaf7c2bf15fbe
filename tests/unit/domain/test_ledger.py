import pytest
from hypothesis import given
from hypothesis import strategies as some

from fundline.domain.disbursement import FINISHED, TRANSITIONS, DisbursementState
from fundline.domain.ledger import (
    LedgerAccount,
    LedgerRuleBroken,
    Posting,
    Transfer,
    TransferPurpose,
    balances,
    totals,
    transfer_on,
)
from fundline.domain.money import MINOR_UNITS, Money

S, A, P = DisbursementState, LedgerAccount, TransferPurpose
TEN_EUROS = Money(1000, "EUR")
amounts = some.builds(Money, some.integers(1, 10**15), some.sampled_from(sorted(MINOR_UNITS)))


@some.composite
def lives_of_payments(draw):
    """A payment's way through the state machine, from expected, possibly cut short anywhere."""
    state, way = S.EXPECTED, []
    for _ in range(draw(some.integers(0, 4))):
        if not TRANSITIONS[state]:
            break
        state = draw(some.sampled_from(sorted(TRANSITIONS[state])))
        way.append(state)
    return way, draw(amounts)


def transfers_of(way, amount):
    return [transfer for state in way if (transfer := transfer_on(state, amount)) is not None]


def test_a_submitted_payment_waits_in_clearing():
    transfer = transfer_on(S.SUBMITTED, TEN_EUROS)
    assert transfer == Transfer(
        P.PAYMENT_SUBMITTED,
        (Posting(A.DISBURSEMENT_CLEARING, TEN_EUROS), Posting(A.LENDER_FUNDING, Money(-1000, "EUR"))),
    )


def test_a_settled_payment_is_what_the_borrower_owes():
    books = balances(transfers_of([S.SUBMITTED, S.SETTLED], TEN_EUROS))
    assert books == {
        (A.LENDER_FUNDING, "EUR"): -1000,
        (A.DISBURSEMENT_CLEARING, "EUR"): 0,
        (A.BORROWER_RECEIVABLE, "EUR"): 1000,
    }


def test_a_failed_payment_leaves_every_account_as_it_was():
    books = balances(transfers_of([S.SUBMITTED, S.UNKNOWN, S.FAILED], TEN_EUROS))
    assert set(books.values()) == {0}


@pytest.mark.parametrize("state", [S.EXPECTED, S.UNKNOWN])
def test_a_state_that_moves_no_money_books_nothing(state):
    assert transfer_on(state, TEN_EUROS) is None


@given(lives=some.lists(lives_of_payments(), max_size=20))
def test_the_books_sum_to_zero_in_each_currency_whatever_payments_go_through(lives):
    transfers = [transfer for life in lives for transfer in transfers_of(*life)]
    assert set(totals([p for t in transfers for p in t.postings]).values()) <= {0}


@given(life=lives_of_payments())
def test_clearing_holds_exactly_the_payments_without_a_result(life):
    way, amount = life
    held = balances(transfers_of(way, amount)).get((A.DISBURSEMENT_CLEARING, amount.currency), 0)
    is_pending = S.SUBMITTED in way and not FINISHED & set(way)
    assert held == (amount.amount_minor if is_pending else 0)


@given(life=lives_of_payments())
def test_a_payment_is_resolved_at_most_once(life):
    purposes = [transfer.purpose for transfer in transfers_of(*life)]
    assert len(purposes) == len(set(purposes))
    assert not {P.PAYMENT_SETTLED, P.PAYMENT_RETURNED} <= set(purposes)


@pytest.mark.parametrize(
    "postings",
    [
        (),
        (Posting(A.LENDER_FUNDING, TEN_EUROS),),
        (Posting(A.LENDER_FUNDING, TEN_EUROS), Posting(A.BORROWER_RECEIVABLE, Money(-999, "EUR"))),
        (Posting(A.LENDER_FUNDING, TEN_EUROS), Posting(A.BORROWER_RECEIVABLE, Money(-1000, "USD"))),
    ],
)
def test_a_transfer_that_does_not_balance_cannot_be_made(postings):
    with pytest.raises(LedgerRuleBroken):
        Transfer(P.PAYMENT_SUBMITTED, postings)


@pytest.mark.parametrize("amount_minor", [0, -1])
def test_a_payment_of_nothing_or_less_is_refused(amount_minor):
    with pytest.raises(LedgerRuleBroken, match="positive"):
        transfer_on(S.SUBMITTED, Money(amount_minor, "EUR"))
