"""The operations API, for operators and compliance: cases, dead letters, payments, ledger corrections, the audit trail.

One folder per noun. In each: `routes.py` (what is offered), `reading.py` and `deeds.py` (the use cases), `store.py`
(all SQL), `schemas.py` (what is asked), `answers.py` (what is answered).
"""
