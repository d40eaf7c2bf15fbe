from fundline.commands.audit.view import story_lines


def test_details_without_a_value_are_left_out_of_a_story():
    entry = {
        "sequence": 1,
        "at": "2026-11-24T15:18:25.833008",
        "action": "application.approved",
        "process": "risk-worker",
        "subject": None,
        "reason": None,
        "details": {"principalReasons": [], "riskScore": "0.1495", "decidedBy": None},
        "evidenceHash": None,
        "anchored": True,
    }
    story = {
        "applicationId": "01a20e23-03d7-7316-964d-71451c4ac8ec",
        "trackingId": "FL-JQD2-PHC6-ANX46",
        "userId": "alice",
        "status": "approved",
        "entries": [entry],
    }
    assert story_lines(story)[-1] == "      riskScore 0.1495"
