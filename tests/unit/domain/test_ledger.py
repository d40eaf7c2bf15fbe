import pytest
from hypothesis import given
from hypothesis import strategies as some

from fundline.domain.ledger import (
    AccountKind,
    LedgerAccount,
    LedgerRuleBroken,
    Posting,
    Transfer,
    TransferPurpose,
    balances,
    origination_fee,
    reversal_of,
    totals,
    transfer_on,
)
from fundline.domain.money import MINOR_UNITS, Money
from fundline.domain.payment import FINISHED, TRANSITIONS, PaymentState

S, A, P = PaymentState, LedgerAccount, TransferPurpose
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
    was_submitted = S.SUBMITTED in way
    made = [transfer_on(state, amount, was_submitted=was_submitted) for state in way]
    return [transfer for transfer in made if transfer is not None]


def test_a_submitted_payment_waits_in_clearing():
    transfer = transfer_on(S.SUBMITTED, TEN_EUROS)
    assert transfer == Transfer(
        P.PAYMENT_SUBMITTED,
        (Posting(A.DISBURSEMENT_CLEARING, TEN_EUROS), Posting(A.LENDER_FUNDING, Money(-1000, "EUR"))),
    )


@pytest.mark.parametrize(
    ("reached", "purpose"),
    [
        (S.SUBMITTED, P.PAYMENT_SUBMITTED),
        (S.SETTLED, P.PAYMENT_SETTLED),
        (S.FAILED, P.PAYMENT_RETURNED),
    ],
)
def test_each_step_is_booked_under_its_own_purpose(reached, purpose):
    assert transfer_on(reached, TEN_EUROS).purpose is purpose


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


def test_a_payment_that_was_never_sent_and_fails_moves_nothing():
    assert transfers_of([S.REQUESTED, S.FAILED], TEN_EUROS) == []


@pytest.mark.parametrize("state", [S.EXPECTED, S.UNKNOWN])
def test_a_state_that_moves_no_money_books_nothing(state):
    assert transfer_on(state, TEN_EUROS) is None


def test_totals_are_those_of_the_postings():
    postings = [Posting(A.FEE_INCOME, Money(5, "EUR")), Posting(A.FEE_INCOME, Money(2, "EUR"))]
    assert totals([*postings, Posting(A.FEE_INCOME, Money(-3, "USD"))]) == {"EUR": 7, "USD": -3}


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
    ("postings", "unbalanced"),
    [
        ((), {}),
        ((Posting(A.LENDER_FUNDING, TEN_EUROS),), {"EUR": 1000}),
        (
            (Posting(A.LENDER_FUNDING, TEN_EUROS), Posting(A.BORROWER_RECEIVABLE, Money(-999, "EUR"))),
            {"EUR": 1},
        ),
        (
            (Posting(A.LENDER_FUNDING, TEN_EUROS), Posting(A.BORROWER_RECEIVABLE, Money(-1000, "USD"))),
            {"EUR": 1000, "USD": -1000},
        ),
    ],
)
def test_a_transfer_that_does_not_balance_cannot_be_made(postings, unbalanced):
    with pytest.raises(
        LedgerRuleBroken, match=r"^A transfer sums to zero in each currency, not to \{.*\}\.$"
    ) as refused:
        Transfer(P.PAYMENT_SUBMITTED, postings)
    assert str(unbalanced) in str(refused.value)


@pytest.mark.parametrize("amount_minor", [0, -1])
def test_a_payment_of_nothing_or_less_is_refused(amount_minor):
    text = Money(amount_minor, "EUR").text()
    with pytest.raises(LedgerRuleBroken, match=f"^A transfer moves a positive amount, not {text}.$"):
        transfer_on(S.SUBMITTED, Money(amount_minor, "EUR"))


@pytest.mark.parametrize(
    ("amount_minor", "basis_points", "fee_minor"),
    [
        (1_49_99, 1, 1),  # 1.4999 cents: the next ten-thousandth would round up
        (1_50_00, 1, 2),  # 1.5
        (49_99, 100, 50),  # 49.99
        (50_49, 100, 50),  # 50.49
        (50_50, 100, 51),  # 50.50: half a cent goes up
        (50_51, 100, 51),
        (1_000_000_00, 250, 25_000_00),
        (10**15, 1, 10**11),
    ],
)
def test_a_fee_is_rounded_half_up_to_the_minor_unit(amount_minor, basis_points, fee_minor):
    """A fee that was truncated instead survived every test, because theirs came out even."""
    fee = origination_fee(Money(amount_minor, "EUR"), basis_points)
    assert fee == Transfer(
        P.FEE_CHARGED,
        (
            Posting(A.BORROWER_RECEIVABLE, Money(fee_minor, "EUR")),
            Posting(A.FEE_INCOME, Money(-fee_minor, "EUR")),
        ),
    )


def test_a_fee_of_less_than_half_a_minor_unit_is_none_and_of_half_is_one():
    assert origination_fee(Money(49, "JPY"), 100) is None
    assert origination_fee(Money(50, "JPY"), 100).postings[0].amount == Money(1, "JPY")
    assert origination_fee(TEN_EUROS, 0) is None


def test_a_reversal_undoes_each_posting_and_says_so():
    charged = origination_fee(TEN_EUROS, 100)
    reversal = reversal_of(charged.postings)
    assert reversal.purpose is P.REVERSAL
    assert [posting.account for posting in reversal.postings] == [p.account for p in charged.postings]
    assert set(balances([charged, reversal]).values()) == {0}


def test_the_lender_whose_money_it_is_pays_and_gets_it_back():
    paid, failed = (transfer_on(state, TEN_EUROS, funding="lender_two") for state in (S.SUBMITTED, S.FAILED))
    assert balances([paid]) == {(A.DISBURSEMENT_CLEARING, "EUR"): 1000, ("lender_two", "EUR"): -1000}
    assert set(balances([paid, failed]).values()) == {0}


@pytest.mark.parametrize(
    ("kind", "allowed"),
    [
        (AccountKind.ASSET, (False, True, True)),
        (AccountKind.LIABILITY, (True, True, False)),
        (AccountKind.INCOME, (True, True, False)),
    ],
)
def test_an_account_stands_on_its_own_side_or_at_zero(kind, allowed):
    assert tuple(kind.allows(balance_minor) for balance_minor in (-1, 0, 1)) == allowed
