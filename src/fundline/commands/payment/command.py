"""`fundline payment`: payments, the release of those that wait for a second person, and the switch that halts all."""

from typing import Annotated

import typer

from fundline.commands.doors import (
    GoodReasonOption,
    JsonOption,
    YesOption,
    confirm,
    give,
    noun,
    one_of,
)
from fundline.commands.operations_client import (
    AsOption,
    CursorOption,
    LimitOption,
    ReasonOption,
    operations_client,
    page_of,
    under,
)
from fundline.commands.payment import endings
from fundline.commands.payment.deeds import halt_in_emergency
from fundline.commands.payment.view import (
    show_account_asked,
    show_emergency,
    show_halt,
    show_payment,
    show_payments,
    show_refusal,
    show_release,
    show_resume,
    show_switch,
)
from fundline.commands.place import HomeOption
from fundline.domain.payment import PaymentState

app = noun(
    "Payments: list, show, release, refuse, end, ask for another account; halt and resume all of them."
)

ApplicationArgument = Annotated[str, typer.Argument(help="Id of the application.")]
PATH, SWITCH = "/v1/disbursements", "/v1/payments-switch"
STATES = [*(state.value for state in PaymentState), "all"]


@app.command("list")
def list_payments(
    state: Annotated[str, one_of("state", STATES, "Only those that are so; else all.")] = "all",
    cursor: CursorOption = None,
    limit: LimitOption = 20,
    subject: AsOption = None,
    as_json: JsonOption = False,
    home: HomeOption = None,
) -> None:
    """Show payments, that of the newest application first: all, unless a state is given."""
    query = page_of(state, cursor, limit)
    page = operations_client(home, subject).get(PATH, query)
    give(page, lambda told: show_payments(told, state), as_json=as_json)


@app.command()
def show(
    application: ApplicationArgument,
    subject: AsOption = None,
    as_json: JsonOption = False,
    home: HomeOption = None,
) -> None:
    """Show the payment of one application."""
    found = operations_client(home, subject).get(under(PATH, application))
    give(found, show_payment, as_json=as_json)


@app.command()
def release(
    application: ApplicationArgument,
    reason: ReasonOption,
    subject: AsOption = None,
    as_json: JsonOption = False,
    home: HomeOption = None,
) -> None:
    """Let a payment above the limit go; you are neither who approved it nor who is paid."""
    path = under(PATH, application, "release")
    told = operations_client(home, subject).post(path, {"reason": reason})
    give(told, show_release, as_json=as_json)


@app.command()
def refuse(
    application: ApplicationArgument,
    reason: ReasonOption,
    yes: YesOption = False,
    subject: AsOption = None,
    as_json: JsonOption = False,
    home: HomeOption = None,
) -> None:
    """Do not let a payment go that waits for you: it fails, and the applicant is told. It cannot be undone."""
    confirm(f"Refuse the payment of {application}?", yes=yes)
    path = under(PATH, application, "refuse")
    told = operations_client(home, subject).post(path, {"reason": reason})
    give(told, show_refusal, as_json=as_json)


@app.command()
def ask_account(
    application: ApplicationArgument,
    reason: ReasonOption,
    subject: AsOption = None,
    as_json: JsonOption = False,
    home: HomeOption = None,
) -> None:
    """Ask the applicant for another account, after a payment that failed because its account is closed or wrong."""
    path = under(PATH, application, "ask-for-account")
    told = operations_client(home, subject).post(path, {"reason": reason})
    give(told, show_account_asked, as_json=as_json)


for command in (endings.end, endings.agree, endings.withdraw, endings.endings):
    app.command()(command)


@app.command()
def switch(subject: AsOption = None, as_json: JsonOption = False, home: HomeOption = None) -> None:
    """Show whether payments are sent, and whether somebody has asked for them to go on."""
    give(operations_client(home, subject).get(SWITCH), show_switch, as_json=as_json)


@app.command()
def halt(
    reason: GoodReasonOption,
    emergency: Annotated[
        bool,
        typer.Option(
            "--emergency", help="When the API is away: by the flags file of this machine; on record too."
        ),
    ] = False,
    yes: YesOption = False,
    subject: AsOption = None,
    as_json: JsonOption = False,
    home: HomeOption = None,
) -> None:
    """Send no payment any more; what is with the bank is looked up all the same. Undo: `fundline payment resume`."""
    confirm("Halt all payments?", yes=yes)
    if emergency:
        give(halt_in_emergency(home, subject, reason), show_emergency, as_json=as_json)
        return
    told = operations_client(home, subject).post(f"{SWITCH}/halt", {"reason": reason})
    give(told, show_halt, as_json=as_json)


@app.command()
def resume(
    reason: GoodReasonOption,
    yes: YesOption = False,
    subject: AsOption = None,
    as_json: JsonOption = False,
    home: HomeOption = None,
) -> None:
    """Send payments again: two people say so, each with this command. Undo: `fundline payment halt`."""
    confirm("Let all payments go on?", yes=yes)
    told = operations_client(home, subject).post(f"{SWITCH}/resume", {"reason": reason})
    give(told, show_resume, as_json=as_json)
