"""Payments that two people end, because no machine can: the bank has said in writing what became of them."""
