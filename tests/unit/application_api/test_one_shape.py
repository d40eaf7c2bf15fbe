"""What the API takes is what is stored and what the risk worker reads: one shape, with limits at the door only."""

from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID

import pytest

from fundline.domain.money import Money
from fundline.records import application_record
from fundline.records.application_record import (
    COLUMNS,
    ApplicationRecord,
    FactsImpossible,
    SealedAccount,
    facts_of,
)
from fundline.services.application_api import schemas
from support.applications import an_application

ACCOUNT = SealedAccount(sealed=b"sealed", index=b"index", kind="us", last4="4567")
REFERENCE = {"revenue_volatility": Decimal("0.3000"), "state_known": True}


def record_of(**changes) -> ApplicationRecord:
    request = an_application(**changes)
    return ApplicationRecord(
        application_id=UUID(int=1),
        tracking_id="FL-1",
        user_id="alice",
        amount=request.money,
        term_months=request.term_months,
        purpose=request.purpose,
        revolving=request.revolving,
        business=request.business,
        figures=request.figures,
        jobs=request.jobs,
        metadata=request.metadata or {},
        account=ACCOUNT,
        created_at=datetime(2026, 11, 28, tzinfo=UTC),
    )


@pytest.mark.parametrize("name", ["Business", "Figures", "Jobs"])
def test_each_field_that_is_stored_has_its_limits_in_the_request(name):
    """Without this a field of the shape would be taken over HTTP without any limit."""
    stored, asked = getattr(application_record, name), getattr(schemas, name)
    assert issubclass(asked, stored)
    assert set(stored.model_fields) == set(asked.__annotations__) == set(asked.model_fields)


def test_a_record_has_a_value_for_each_column():
    assert record_of().row().keys() == COLUMNS.keys()


def test_what_was_written_is_read_back():
    facts = facts_of(record_of().row() | REFERENCE)
    assert (facts.amount, facts.currency, facts.term_months) == (Decimal("50000.00"), "USD", 84)
    assert (facts.naics, facts.state, facts.employees) == ("722410", "OR", 9)
    assert (facts.annual_revenue, facts.operating_margin) == (Decimal("640000.00"), Decimal("0.1400"))
    assert (facts.jobs_created, facts.jobs_kept) == (2, 9)


def test_a_figure_or_jobs_that_are_not_stated_are_none():
    facts = facts_of(record_of(**{"figures.cashAtBank": None, "jobs": None}).row() | REFERENCE)
    assert (facts.cash_at_bank, facts.jobs_created, facts.jobs_kept) == (None, None, None)


def test_what_a_later_release_added_to_a_document_is_left_alone():
    row = record_of().row() | REFERENCE
    assert facts_of(
        row | {"business": row["business"][:-1] + ',"website":"https://example.com"}'}
    ) == facts_of(row)


@pytest.mark.parametrize(
    ("damage", "sentence"),
    [
        ({"business": "{}"}, "Business: legalName: Field required"),
        ({"figures": "null"}, "Figures: : Input should be an object"),
        ({"amount_minor": -1}, "ValueError: amount and term must be positive"),
        ({"currency": "XXX"}, "cannot be scored"),
    ],
)
def test_what_no_application_can_say_is_refused_and_names_what(damage, sentence):
    with pytest.raises(FactsImpossible, match=sentence):
        facts_of(record_of().row() | REFERENCE | damage)


def test_money_is_stored_in_minor_units():
    row = record_of().row()
    assert Money(row["amount_minor"], row["currency"]).text() == "50000.00"
