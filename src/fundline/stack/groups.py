"""The consumer groups of a running stack, as its broker sees them."""

from collections.abc import Sequence

from fundline.contracts.topics import topics_by_group
from fundline.platform.kafka.groups import GroupView, GroupWatch, KafkaUnavailable
from fundline.stack.fleet import KAFKA
from fundline.stack.ready import is_well
from fundline.stack.state import StackState

OLD_MESSAGE_S = 120.0


def groups_of(state: StackState) -> Sequence[GroupView]:
    """Empty when the stack has no broker, or one that does not answer, or that cannot tell."""
    broker = next((record for record in state.processes if record.process == KAFKA), None)
    if broker is None or not is_well(broker.health):
        return ()
    watch = GroupWatch(broker.address, topics_by_group())
    try:
        return watch.look(old_s=OLD_MESSAGE_S)
    except KafkaUnavailable:
        return ()
    finally:
        watch.close()
