"""The filters that templates of messages have, besides the plain ones of the library."""

import re
from datetime import date, datetime
from urllib.parse import quote

from liquid.exceptions import FilterArgumentError

CURRENCIES = {"BRL": ("R$ ", ".", ","), "USD": ("$", ",", "."), "EUR": ("€", ",", "."), "GBP": ("£", ",", ".")}
"""Currency → sign, separator of thousands, separator of the minor unit."""

_DIRECTIVE = re.compile(r"%(-?)(.?)", re.DOTALL)
_DIRECTIVES = frozenset("YymdHIMSpBbAajuwZz%")
LONGEST_FORMAT = 100


def format_date(value: object, form: object = "%d/%m/%Y") -> str:
    """Return a time as text; `form` takes the usual directives of strftime (`%-d` without leading zero)."""
    form = str(form)
    if isinstance(value, date):
        moment = value
    else:
        try:
            moment = datetime.fromisoformat(str(value))
        except ValueError:
            raise FilterArgumentError("date takes a time", token=None) from None
    if len(form) > LONGEST_FORMAT or any(
        each[2] not in _DIRECTIVES or not each[2] for each in _DIRECTIVE.finditer(form)
    ):
        raise FilterArgumentError("date takes the directives of strftime", token=None)
    return moment.strftime(form)


def format_money(value: object, currency: object = "BRL") -> str:
    """Return an amount of minor units as money: 123456 → R$ 1.234,56."""
    known = CURRENCIES.get(str(currency).upper())
    if known is None:
        raise FilterArgumentError(f"money takes one of {', '.join(CURRENCIES)}", token=None)
    if isinstance(value, bool) or not re.fullmatch(r"-?\d{1,18}", str(value), re.ASCII):
        raise FilterArgumentError("money takes a whole number of minor units", token=None)
    sign, thousands, point = known
    amount = int(str(value))
    whole = f"{abs(amount) // 100:,}".replace(",", thousands)
    return f"{'-' if amount < 0 else ''}{sign}{whole}{point}{abs(amount) % 100:02d}"


def format_phone(value: object) -> str:
    """Return a phone number as people write it: +55 11 98765-4321. What is none stays as it is."""
    import phonenumbers

    text = str(value)
    try:
        number = phonenumbers.parse(text)
    except phonenumbers.NumberParseException:
        return text
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.INTERNATIONAL)


def url_encode(value: object) -> str:
    """Return text for use in an address."""
    return quote(str(value), safe="")
