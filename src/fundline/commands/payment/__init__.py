"""`fundline payment`."""
