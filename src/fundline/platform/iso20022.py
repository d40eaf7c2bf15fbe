"""ISO 20022 messages, written and read by their schemas only.

Reading is safe: no document type, no entities, no network, a limit on the size. A refusal names the place and the rule
and never a value, because values are account numbers.
"""

from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum
from functools import cache
from importlib.resources import files
from typing import NamedTuple, Union

from lxml import etree

MEDIA_TYPE = "application/xml"
LIMIT_BYTES = 1024 * 1024


class MessageKind(StrEnum):
    CREDIT_TRANSFER = "pain.001.001.09"
    CREDIT_TRANSFER_3 = "pain.001.001.03"
    STATUS_REPORT = "pain.002.001.10"
    STATUS_REPORT_3 = "pain.002.001.03"
    NOTIFICATION = "camt.054.001.08"
    NOTIFICATION_4 = "camt.054.001.04"
    NOTIFICATION_2 = "camt.054.001.02"
    STATEMENT = "camt.053.001.08"
    STATEMENT_4 = "camt.053.001.04"
    STATEMENT_2 = "camt.053.001.02"

    @property
    def namespace(self) -> str:
        return f"urn:iso:std:iso:20022:tech:xsd:{self.value}"


CREDIT_TRANSFERS = (MessageKind.CREDIT_TRANSFER, MessageKind.CREDIT_TRANSFER_3)
STATUS_REPORTS = (MessageKind.STATUS_REPORT, MessageKind.STATUS_REPORT_3)
NOTIFICATIONS = (MessageKind.NOTIFICATION, MessageKind.NOTIFICATION_4, MessageKind.NOTIFICATION_2)
STATEMENTS = (MessageKind.STATEMENT, MessageKind.STATEMENT_4, MessageKind.STATEMENT_2)
"""Each in the versions that are in use; the first is what is written here."""


class Amount(NamedTuple):
    """A plain decimal and the currency of its attribute."""

    text: str
    currency: str


Content = Mapping[str, Union[str, Amount, "Content", Sequence["Content"]]]
"""Elements by name, in the order of the schema; several of one name are a list."""


class MessageInvalid(ValueError):
    """Not a message of the kind asked for, or it breaks a rule of its schema."""


class Part:
    """An element of a valid message; paths such as `PmtInf/DbtrAcct` are below it."""

    def __init__(self, element: "etree._Element", kind: MessageKind) -> None:
        self._element, self.kind = element, kind

    def text(self, path: str) -> str | None:
        """The text of the first such element; None when there is no such element."""
        found: str | None = self._element.findtext(self._qualified(path))
        return found

    def amount(self, path: str) -> Amount | None:
        found = self._element.find(self._qualified(path))
        return None if found is None else Amount(found.text or "", found.get("Ccy", ""))

    def parts(self, path: str) -> list["Part"]:
        return [Part(element, self.kind) for element in self._element.findall(self._qualified(path))]

    def _qualified(self, path: str) -> str:
        return "/".join(f"{{{self.kind.namespace}}}{step}" for step in path.split("/"))


def write_message(kind: MessageKind, content: Content) -> bytes:
    """UTF-8. Raises MessageInvalid."""
    root = etree.Element(f"{{{kind.namespace}}}Document", nsmap={None: kind.namespace})
    _fill(root, content, kind.namespace)
    _check(root, kind)
    written: bytes = etree.tostring(root, xml_declaration=True, encoding="UTF-8")
    return written


def read_message(xml: bytes, *kinds: MessageKind) -> Part:
    """The message below `Document`, valid by its schema. Raises MessageInvalid."""
    if len(xml) > LIMIT_BYTES:
        raise MessageInvalid(f"a message may have {LIMIT_BYTES} bytes")
    parser = etree.XMLParser(
        resolve_entities=False,
        load_dtd=False,
        no_network=True,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )
    try:
        root = etree.fromstring(xml, parser)
    except (etree.XMLSyntaxError, ValueError):
        raise MessageInvalid("it is not well-formed XML") from None
    if root.getroottree().docinfo.doctype:
        raise MessageInvalid("it declares a document type")
    kind = next((kind for kind in kinds if root.tag == f"{{{kind.namespace}}}Document"), None)
    if kind is None:
        raise MessageInvalid(f"it is not one of {', '.join(kinds)}")
    _check(root, kind)
    return Part(root[0], kind)


def _fill(parent: "etree._Element", content: Content, namespace: str) -> None:
    for name, value in _each(content):
        element = etree.SubElement(parent, f"{{{namespace}}}{name}")
        if isinstance(value, Amount):
            element.text = value.text
            element.set("Ccy", value.currency)
        elif isinstance(value, str):
            element.text = value
        else:
            _fill(element, value, namespace)


def _each(content: Content) -> Iterator[tuple[str, str | Amount | Content]]:
    for name, value in content.items():
        if isinstance(value, list):
            yield from ((name, one) for one in value)
        else:
            # Whatever is no list is one of the other three; mypy does not narrow a type that names itself.
            yield name, value  # type: ignore[misc]


def _check(root: "etree._Element", kind: MessageKind) -> None:
    schema = _schema(kind)
    if not schema.validate(root):
        broken = schema.error_log[0]
        raise MessageInvalid(f"{kind}: {_place(root, broken.path)} breaks {broken.type_name}")


def _place(root: "etree._Element", path: str | None) -> str:
    """`CstmrCdtTrfInitn/PmtInf/...` instead of lxml's `/*/*[1]/*[2]`."""
    found = root.getroottree().xpath(path) if path else []
    if not found:
        return "Document"
    steps = [found[0], *found[0].iterancestors()]
    return "/".join(etree.QName(step).localname for step in reversed(steps))


@cache
def _schema(kind: MessageKind) -> "etree.XMLSchema":
    source = files("fundline.contracts.iso20022").joinpath(f"{kind.value}.xsd").read_bytes()
    return etree.XMLSchema(etree.fromstring(source))
