"""What `fundline funding` shows: sources with what is left, changes, and what to do next."""

from fundline.commands.funding.view import show_commitment, show_commitments, show_sources

CHANGE = {
    "id": "c-1",
    "account": "lender_funding",
    "currency": "USD",
    "amount": "5000000.00",
    "reason": "Letter of the lender.",
    "state": "proposed",
    "requestedBy": "olga",
}


def test_each_source_is_shown_with_what_is_left():
    source = {"account": "lender_funding", "currency": "USD", "committed": "100.00", "drawn": "75.50"}
    header, row = show_sources({"items": [source | {"available": "24.50"}]}).splitlines()
    assert header.split() == ["lender", "currency", "committed", "drawn", "left"]
    assert row.split() == ["lender_funding", "USD", "100.00", "75.50", "24.50"]


def test_changes_are_listed_and_an_empty_list_says_so():
    shown = show_commitments({"items": [CHANGE], "nextCursor": "c-0"})
    assert "proposed" in shown
    assert "--cursor c-0" in shown
    assert show_commitments({"items": [], "nextCursor": None}) == "There are no commitments."


def test_what_was_asked_for_says_who_has_to_agree_and_how():
    assert "`fundline funding agree c-1" in show_commitment(CHANGE)
    assert "It counts: 5000000.00 USD" in show_commitment(CHANGE | {"state": "agreed"})
    assert "does not count" in show_commitment(CHANGE | {"state": "withdrawn"})
