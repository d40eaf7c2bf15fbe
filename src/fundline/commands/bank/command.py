"""`fundline bank`: the sandbox bank's faults, its statement, and one of its payments."""

import asyncio
import json
from pathlib import Path
from typing import Annotated, Any

import typer

from fundline.banks.bank import BankAnswerUnexpected, BankBusy
from fundline.banks.opening import open_sandbox
from fundline.banks.statement import Booking, whole_statement
from fundline.commands.bank.view import show_faults, show_payment, show_statement, statement_object
from fundline.commands.doors import JsonOption, give, noun, one_of
from fundline.commands.place import HomeOption, bank_url
from fundline.platform.command_errors import CommandFailed
from fundline.platform.http.client import Answer, CallNotSent, CallUnanswered, JsonClient
from fundline.platform.terminal import say

app = noun("The sandbox bank: its faults, its statement, its payments.")
faults = noun("Fault rules of the running bank; a bank that restarts has none.")
app.add_typer(faults, name="faults")

_TIMEOUT_S = 10.0
_REFUSED = 400


@faults.command("list")
def list_faults(as_json: JsonOption = False, home: HomeOption = None) -> None:
    """Show the rules and how often each has struck."""
    answer = _ask(home, "GET", "/admin/faults")
    give(answer, lambda told: show_faults(told["faults"]), as_json=as_json)


@faults.command()
def add(
    kind: Annotated[
        str,
        typer.Argument(
            help="slow, outage, rate-limit, closed, timeout-before, timeout-after, reset-before, reset-after, "
            "error-before, error-after, nonsense, other-amount, forget, decline, settle-later, return-later or "
            "duplicate-webhook."
        ),
    ],
    operation: Annotated[
        str, one_of("operation", ["pay", "find", "statement"], "pay, find or statement.")
    ] = "pay",
    payee_ending: Annotated[str | None, typer.Option(help="Last characters of the payee's account.")] = None,
    amount: Annotated[str | None, typer.Option(help="Such as 1200.50.")] = None,
    currency: Annotated[str | None, typer.Option(help="Such as USD.")] = None,
    reference: Annotated[str | None, typer.Option(help="Of the order: the application's id.")] = None,
    payment: Annotated[str | None, typer.Option(help="Payment id.")] = None,
    probability: Annotated[float, typer.Option(help="Above 0, up to 1.")] = 1.0,
    seed: Annotated[int, typer.Option(help="Of the dice.")] = 0,
    times: Annotated[int | None, typer.Option(help="How often at most.")] = None,
    delay_ms: Annotated[int | None, typer.Option(help="For slow, settle-later and return-later.")] = None,
    status: Annotated[int | None, typer.Option(help="For error-before and error-after.")] = None,
    code: Annotated[str | None, typer.Option(help="For decline and return-later.")] = None,
    stated_amount: Annotated[str | None, typer.Option(help="For other-amount: such as 900.00.")] = None,
    stated_currency: Annotated[str | None, typer.Option(help="For other-amount: such as USD.")] = None,
    as_json: JsonOption = False,
    home: HomeOption = None,
) -> None:
    """Add a rule; without an option that matches, it strikes every call of the operation."""
    match = {
        "payeeEnding": payee_ending,
        "amount": amount,
        "currency": currency,
        "reference": reference,
        "paymentId": payment,
    }
    said = {"statedAmount": stated_amount, "statedCurrency": stated_currency}
    rule = {
        "kind": kind,
        "operation": operation,
        "match": _given(match),
        "probability": probability,
        "seed": seed,
        **_given({"times": times, "delayMs": delay_ms, "status": status, "code": code, **said}),
    }
    made = _ask(home, "POST", "/admin/faults", rule)
    give(made, lambda told: show_faults([told]), as_json=as_json)


@faults.command()
def clear(
    number: Annotated[int | None, typer.Argument(help="Of one rule; without it all are cleared.")] = None,
    as_json: JsonOption = False,
    home: HomeOption = None,
) -> None:
    """Clear one rule, or all."""
    answer = _ask(home, "DELETE", "/admin/faults" if number is None else f"/admin/faults/{number}")
    give(answer, lambda told: f"Cleared {told['cleared']}.", as_json=as_json)


@app.command()
def statement(as_json: JsonOption = False, home: HomeOption = None) -> None:
    """Every outcome the bank has on its books, oldest first."""
    bookings = asyncio.run(_bookings(bank_url(home)))
    say(json.dumps(statement_object(bookings)) if as_json else show_statement(bookings))


@app.command()
def payment(
    payment_id: Annotated[str, typer.Argument(help="Payment id.")],
    as_json: JsonOption = False,
    home: HomeOption = None,
) -> None:
    """What the bank says of one payment."""
    answer = _ask(home, "GET", f"/v1/payments/{payment_id}")
    give(answer, show_payment, as_json=as_json)


async def _bookings(url: str) -> list[Booking]:
    """Raises StackError when the bank does not give them."""
    bank = open_sandbox(url, timeout_s=_TIMEOUT_S)
    try:
        return [booking async for booking in whole_statement(bank)]
    except (CallNotSent, CallUnanswered) as silence:
        raise CommandFailed(f"The bank at {url} does not answer ({silence}).") from silence
    except (BankBusy, BankAnswerUnexpected) as refusal:
        raise CommandFailed(f"The bank at {url} does not give its statement ({refusal}).") from refusal
    finally:
        await bank.close()


def _given(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}


def _ask(home: Path | None, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
    """Raises CommandFailed with the bank's own sentence when it refuses."""
    url = bank_url(home)

    async def call() -> Answer:
        client = JsonClient(url, timeout_s=_TIMEOUT_S)
        try:
            return await client.call(method, path, body=body)
        finally:
            await client.close()

    try:
        answer = asyncio.run(call())
    except (CallNotSent, CallUnanswered) as silence:
        raise CommandFailed(f"The bank at {url} does not answer ({silence}).") from silence
    if answer.status >= _REFUSED:
        said = [answer.body.get("detail", "The bank refused.")]
        said += [f"{error['path']}: {error['message']}" for error in answer.body.get("errors", [])]
        raise CommandFailed(" ".join(said))
    return answer.body
