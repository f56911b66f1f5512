"""The sandbox bank: one account a currency, and a camt.053.001.08 statement for each day it moved."""

import xml.etree.ElementTree as ET

from sandbox.money import major
from sandbox.shapes import Payout

NAMESPACE = "urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"
BANK, BIC, OWNER, ACQUIRER = "Sandbox Bank", "SBNKNL2AXXX", "Florin Platform", "Sandbox Acquirer"
_PROLOG = b'<?xml version="1.0" encoding="UTF-8"?>\n'


def iban(currency: str) -> str:
    """The bank's account in that currency: always the same, with valid check digits."""
    number = "".join(f"{ord(letter) - ord('a') + 1:02d}" for letter in currency)
    basic = f"SBNK0000{number}"
    digits = "".join(str(int(character, 36)) for character in basic + "NL00")
    return f"NL{98 - int(digits) % 97:02d}{basic}"


def statement(payout: Payout, at: str) -> bytes:
    """The day's statement: what the account opened with, the one payout, what it closed with."""
    document = ET.Element("Document", xmlns=NAMESPACE)
    message = ET.SubElement(document, "BkToCstmrStmt")
    created = at[:19] + "Z"
    header = ET.SubElement(message, "GrpHdr")
    _text(header, "MsgId", f"SBNK-{payout.date}-{payout.currency.upper()}-{payout.sequence}")
    _text(header, "CreDtTm", created)
    stmt = ET.SubElement(message, "Stmt")
    _text(stmt, "Id", f"{payout.account}-{_compact(payout.date)}-{payout.sequence}")
    _text(stmt, "ElctrncSeqNb", str(payout.sequence))
    _text(stmt, "CreDtTm", created)
    _period(stmt, payout.date)
    _account(stmt, payout)
    _balance(stmt, "OPBD", payout.opening, payout)
    _balance(stmt, "CLBD", payout.closing, payout)
    _entry(stmt, payout)
    ET.indent(document)
    xml: bytes = ET.tostring(document, encoding="us-ascii", xml_declaration=False)
    return _PROLOG + xml + b"\n"


def _text(parent: ET.Element, path: str, text: str) -> ET.Element:
    """A new element for each name in `a/b/c`; the innermost, holding `text`, is returned."""
    for name in path.split("/"):
        parent = ET.SubElement(parent, name)
    parent.text = text
    return parent


def _period(stmt: ET.Element, date: str) -> None:
    period = ET.SubElement(stmt, "FrToDt")
    _text(period, "FrDtTm", f"{date}T00:00:00Z")
    _text(period, "ToDtTm", f"{date}T23:59:59Z")


def _account(stmt: ET.Element, payout: Payout) -> None:
    account = ET.SubElement(stmt, "Acct")
    _text(account, "Id/IBAN", payout.account)
    _text(account, "Ccy", payout.currency.upper())
    _text(account, "Ownr/Nm", OWNER)
    institution = ET.SubElement(ET.SubElement(account, "Svcr"), "FinInstnId")
    _text(institution, "BICFI", BIC)
    _text(institution, "Nm", BANK)


def _amount(parent: ET.Element, minor: int, currency: str) -> None:
    """camt amounts carry no sign: the indicator beside them does."""
    _text(parent, "Amt", major(abs(minor), currency)).set("Ccy", currency.upper())
    _text(parent, "CdtDbtInd", "DBIT" if minor < 0 else "CRDT")


def _balance(stmt: ET.Element, code: str, minor: int, payout: Payout) -> None:
    balance = ET.SubElement(stmt, "Bal")
    _text(balance, "Tp/CdOrPrtry/Cd", code)
    _amount(balance, minor, payout.currency)
    _text(balance, "Dt/Dt", payout.date)


def _entry(stmt: ET.Element, payout: Payout) -> None:
    entry = ET.SubElement(stmt, "Ntry")
    _text(entry, "NtryRef", str(payout.sequence))
    _amount(entry, payout.net, payout.currency)
    _text(entry, "Sts/Cd", "BOOK")
    _text(entry, "BookgDt/Dt", payout.date)
    _text(entry, "ValDt/Dt", payout.date)
    _text(entry, "AcctSvcrRef", _bank_reference(payout))
    _transaction_code(entry, payout)
    _details(ET.SubElement(ET.SubElement(entry, "NtryDtls"), "TxDtls"), payout)
    _text(entry, "AddtlNtryInf", "Acquirer payout")


def _bank_reference(payout: Payout) -> str:
    return f"SBNK{_compact(payout.date)}{payout.currency.upper()}{payout.sequence:06d}"


def _compact(date: str) -> str:
    return date.replace("-", "")


def _transaction_code(entry: ET.Element, payout: Payout) -> None:
    """Received credit transfer; where the acquirer is owed more than it owes, it debits instead. SEPA is euro only."""
    domain = ET.SubElement(ET.SubElement(entry, "BkTxCd"), "Domn")
    _text(domain, "Cd", "PMNT")
    family = ET.SubElement(domain, "Fmly")
    is_sepa = payout.currency == "eur"
    if payout.net < 0:
        code, subfamily = "RDDT", "ESDD" if is_sepa else "OODD"
    else:
        code, subfamily = "RCDT", "ESCT" if is_sepa else "XBCT"
    _text(family, "Cd", code)
    _text(family, "SubFmlyCd", subfamily)


def _details(details: ET.Element, payout: Payout) -> None:
    references = ET.SubElement(details, "Refs")
    _text(references, "AcctSvcrRef", _bank_reference(payout))
    _text(references, "EndToEndId", payout.payout_id)
    _amount(details, payout.net, payout.currency)
    # The other side of the entry: it pays us, or is paid where it debits.
    _text(details, f"RltdPties/{'Cdtr' if payout.net < 0 else 'Dbtr'}/Pty/Nm", ACQUIRER)
    _text(details, "RmtInf/Ustrd", f"SANDBOX ACQUIRER PAYOUT {payout.payout_id}")
