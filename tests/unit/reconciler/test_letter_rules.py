"""Each topic has its rules for dead letters, else the reconciler fails on the first letter of a new topic."""

from fundline.contracts.topics import Group, every_topic
from fundline.services.reconciler.letter_rules import _AGREES, _FINISHED


def test_the_payload_of_every_topic_is_compared_with_the_records():
    assert _AGREES.keys() == {topic.payload for topic in every_topic()}


def test_every_group_of_every_topic_has_an_end():
    """What only the inbox knows has none of its own: whether somebody was told."""
    told = {(topic.name, Group.NOTIFICATION_SERVICE) for topic in every_topic()}
    groups = {(topic.name, group) for topic in every_topic() for group in topic.groups}
    assert _FINISHED.keys() == groups - told
