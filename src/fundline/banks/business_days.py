"""The bank's business days: in its own time zone, by the calendar that it keeps."""

from datetime import date, datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import holidays


class BusinessDays:
    """`calendar`: a market of the package `holidays`, such as XECB (the ECB's T2) or XFED, or a country, such as GB.

    Raises ValueError for a zone or a calendar that is not known.
    """

    def __init__(self, zone: str, calendar: str) -> None:
        try:
            self._zone = ZoneInfo(zone)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise ValueError(f"FUNDLINE_BANK_TIME_ZONE: there is no time zone {zone}.") from None
        if calendar in holidays.list_supported_financial():
            self._holidays = holidays.financial_holidays(calendar)
        elif calendar in holidays.list_supported_countries():
            self._holidays = holidays.country_holidays(calendar)
        else:
            raise ValueError(f"FUNDLINE_BANK_CALENDAR: there is no calendar {calendar}.")

    def first_from(self, at: datetime) -> date:
        """The bank's day at this moment, or the next one on which it works."""
        return self._holidays.get_nth_working_day(at.astimezone(self._zone).date(), 0)
