from fundline.commands.mail.view import listed


def test_a_mail_is_a_line_and_no_mail_a_sentence():
    mail = {
        "number": 7,
        "receivedAt": "2026-11-24T15:27:34.356052Z",
        "to": ["alice@harborstreet.example"],
        "subject": "The money is on its way",
    }
    assert listed([mail]) == [
        "    7  2026-11-24T15:27:34Z  alice@harborstreet.example  The money is on its way"
    ]
    assert listed([]) == ["No mail is kept; a sink that restarts has none."]
