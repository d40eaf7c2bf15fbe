"""Faults in paying, in the books, and in what people do to both."""

from mutants.mutation import mutation

W = "services/disbursement_worker"
PAY = "tests/integration/disbursement_worker"
LEDGER = "tests/integration/ledger/test_ledger_rules.py"
LETTERS = "tests/integration/dead_letters"

MONEY_FAULTS = (
    mutation(
        "claims-collide",
        f"{W}/store",
        "limit :most for no key update skip locked",
        "limit :most",
        f"{PAY}/test_sweep_claims.py",
    ),
    mutation(
        "due-a-moment-late",
        f"{W}/store",
        "where next_step_at <= :now",
        "where next_step_at < :now",
        f"{PAY}/test_sweep_claims.py",
    ),
    mutation(
        "overdue-a-moment-late",
        f"{W}/store",
        "submitted_at <= $1",
        "submitted_at < $1",
        f"{PAY}/test_unknown_payments.py",
    ),
    mutation(
        "other-amount-paid",
        f"{W}/payments",
        "if application.amount != amount:",
        "if False:",
        f"{PAY}/test_paying_once.py",
    ),
    mutation(
        "paid-before-approval",
        f"{W}/payments",
        "if application.status is not ApplicationStatus.APPROVED:",
        "if False:",
        f"{PAY}/test_paying_once.py",
    ),
    mutation(
        "submitted-twice",
        f"{W}/payments",
        "if payment.state not in (PaymentState.EXPECTED, PaymentState.REQUESTED):",
        "if False:",
        f"{PAY}/test_paying_once.py",
    ),
    mutation(
        "no-release-needed",
        f"{W}/payments",
        "if payment.needs_release and payment.released_by is None:",
        "if False:",
        "tests/integration/operations_api",
    ),
    mutation(
        "halt-ignored",
        f"{W}/payments",
        "        if hold is not None:\n            await store",
        "        if False:\n            await store",
        f"{PAY}/test_holding_payments.py",
    ),
    mutation(
        "silence-is-no",
        f"{W}/bank_desk",
        "        except CallUnanswered:\n            await self._mark_unknown(payment)\n            raise\n",
        "        except CallUnanswered:\n            raise\n",
        f"{PAY}/test_unknown_payments.py",
    ),
    mutation(
        "lost-and-sent-again",
        f"{W}/bank_desk",
        "if found is None and payment.is_accepted:",
        "if False:",
        f"{PAY}/test_unknown_payments.py",
    ),
    mutation(
        "contradiction-written-over",
        f"{W}/results",
        "elif _is_known(payment, result):",
        "elif False:",
        f"{PAY}/test_bank_events.py",
        f"{PAY}/test_unknown_payments.py",
    ),
    mutation(
        "stated-amount-ignored",
        f"{W}/contradictions",
        "if result.amount not in (None, payment.amount):",
        "if False:",
        f"{PAY}/test_bank_events.py",
    ),
    mutation(
        "held-and-ended",
        f"{W}/results",
        "elif await store.is_held(connection, payment.payment_id):",
        "elif False:",
        f"{PAY}/test_contradicted_payments.py",
    ),
    mutation(
        "webhook-unsigned",
        f"{W}/bank_events",
        "        self._verify(body, headers)\n",
        "",
        f"{PAY}/test_bank_events.py",
    ),
    mutation(
        "wrong-lender-repaid",
        "records/ledger",
        "fetchval(FUNDING_OF_PAYMENT, payment_id)",
        "fetchval(FUNDING_OF_CURRENCY, currency)",
        "tests/integration/ledger",
    ),
    mutation(
        "fee-not-booked",
        "records/ledger",
        "    if fee is not None:\n        rows",
        "    if fee is None:\n        rows",
        "tests/integration/ledger",
        f"{PAY}/test_payment_rules.py",
    ),
    mutation(
        "pending-corrected",
        "records/ledger",
        'if PaymentState(payment["state"]) in WITH_THE_BANK:',
        "if False:",
        LEDGER,
    ),
    mutation(
        "application-not-locked",
        "records/status",
        "from applications where application_id = $1 for no key update",
        "from applications where application_id = $1",
        f"{PAY}/test_paying_once.py",
        "tests/integration/application_api/test_review.py",
    ),
    mutation(
        "status-untold",
        "records/status",
        "    await store_events(connection, [event])\n",
        "",
        f"{PAY}/test_paying_once.py",
    ),
    mutation(
        "own-application-in-bulk",
        "services/operations_api/dead_letters/bulk",
        "            require_uninvolved(change.caller, first=None, applicant=letter.applicant)\n",
        "",
        LETTERS + "/test_dead_letter_replay.py",
    ),
)
