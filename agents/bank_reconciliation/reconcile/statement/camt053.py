"""Reads ISO 20022 camt.053.001.08, the bank-to-customer statement, into a `Statement`."""

from datetime import date
from decimal import Decimal

from reconcile.shared.errors import StatementRefused
from reconcile.shared.money import PLACES, Foreign, parse_amount, parse_rate
from reconcile.statement import xml_tree
from reconcile.statement.consistency import consistent
from reconcile.statement.statement import Line, Statement
from reconcile.statement.xml_tree import Element

NAMESPACE = "urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"


def read_camt053(data: bytes) -> Statement:
    """Return the one statement in *data*; raise `StatementRefused` naming the element that is wrong."""
    root = xml_tree.parse(data, namespace=NAMESPACE)
    statements = root.all("BkToCstmrStmt/Stmt")
    if root.name != "Document" or len(statements) != 1:
        raise StatementRefused(f"expected one Document/BkToCstmrStmt/Stmt, found {len(statements)}")
    source = statements[0]
    currency = _text(source, "Acct/Ccy")
    lines = tuple(_line(entry, currency, number) for number, entry in enumerate(source.all("Ntry"), start=1))
    _check_count(source, len(lines))
    return consistent(
        Statement(
            ident=_text(source, "Id"),
            iban=_text(source, "Acct/Id/IBAN"),
            currency=currency,
            opened_on=_day(source, "FrToDt/FrDtTm"),
            closed_on=_day(source, "FrToDt/ToDtTm"),
            opening=_balance(source, "OPBD", currency),
            closing=_balance(source, "CLBD", currency),
            lines=lines,
        )
    )


def _check_count(source: Element, lines: int) -> None:
    stated = _maybe(source, "TxsSummry/TtlNtries/NbOfNtries")
    if stated and stated != str(lines):
        raise StatementRefused(f"NbOfNtries says {stated} entries, but the statement has {lines}")


def _balance(source: Element, code: str, currency: str) -> Decimal:
    found = [bal for bal in source.all("Bal") if _maybe(bal, "Tp/CdOrPrtry/Cd") == code]
    if len(found) != 1:
        raise StatementRefused(f"expected one {code} balance, found {len(found)}")
    return _signed(found[0], currency, f"balance {code}")


def _line(entry: Element, currency: str, number: int) -> Line:
    name = f"entry {number}"
    if _text(entry, "Sts/Cd", name) != "BOOK":
        raise StatementRefused(f"{name}: only booked entries (Sts/Cd BOOK) belong on a statement")
    amount = _signed(entry, currency, name)
    party = "Dbtr" if amount > 0 else "Cdtr"
    texts = [item.text for item in entry.all("NtryDtls/TxDtls/RmtInf/Ustrd")]
    texts += [item.text for item in entry.all("NtryDtls/TxDtls/RmtInf/Strd/CdtrRefInf/Ref")]
    texts += [item.text for item in entry.all("AddtlNtryInf")]
    return Line(
        ref=_maybe(entry, "AcctSvcrRef") or _text(entry, "NtryRef", name),
        booked_on=_day(entry, "BookgDt/Dt", name),
        value_on=_day(entry, "ValDt/Dt", name),
        amount=amount,
        counterparty=_maybe(entry, f"NtryDtls/TxDtls/RltdPties/{party}/Pty/Nm"),
        end_to_end=_maybe(entry, "NtryDtls/TxDtls/Refs/EndToEndId"),
        text=" ".join(filter(None, texts)),
        code=_code(entry),
        foreign=_foreign(entry, currency, name),
    )


def _code(entry: Element) -> str:
    domain = "BkTxCd/Domn"
    parts = [_maybe(entry, f"{domain}/{path}") for path in ("Cd", "Fmly/Cd", "Fmly/SubFmlyCd")]
    return "-".join(filter(None, parts))


def _foreign(entry: Element, currency: str, name: str) -> Foreign | None:
    found = entry.all("NtryDtls/TxDtls/AmtDtls/InstdAmt")
    amounts = entry.all("NtryDtls/TxDtls/AmtDtls/InstdAmt/Amt")
    if len(found) != 1 or len(amounts) != 1 or amounts[0].attributes.get("Ccy") == currency:
        return None  # a batch has no single rate; money at home has none at all
    abroad = amounts[0].attributes.get("Ccy", "")
    rate = parse_rate(_text(found[0], "CcyXchg/XchgRate", name), StatementRefused)
    if _maybe(found[0], "CcyXchg/UnitCcy") == currency:  # quoted the other way round: dollars for one rial
        rate = (1 / rate).quantize(Decimal("1E-10"))
    amount = parse_amount(amounts[0].text, abroad, StatementRefused)
    return Foreign(currency=abroad, amount=amount, rate=rate)


def _signed(item: Element, currency: str, name: str) -> Decimal:
    amounts = item.all("Amt")
    if len(amounts) != 1 or amounts[0].attributes.get("Ccy") != currency or currency not in PLACES:
        raise StatementRefused(f"{name}: expected one Amt in the account's currency {currency}")
    amount = parse_amount(amounts[0].text, currency, StatementRefused)
    match _text(item, "CdtDbtInd", name):
        case "CRDT":
            return amount
        case "DBIT":
            return -amount
        case other:
            raise StatementRefused(f"{name}: CdtDbtInd is {other!r}; it must be CRDT or DBIT")


def _day(item: Element, path: str, name: str = "statement") -> date:
    text = _maybe(item, path) or _text(item, path + "Tm", name)
    try:
        return date.fromisoformat(text[:10])
    except ValueError as error:
        raise StatementRefused(f"{name}: {path} {text!r} is not a date like 2026-10-31") from error


def _maybe(item: Element, path: str) -> str:
    found = item.all(path)
    return found[0].text if found else ""


def _text(item: Element, path: str, name: str = "statement") -> str:
    text = _maybe(item, path)
    if not text:
        raise StatementRefused(f"{name}: {path} is missing or empty")
    return text
