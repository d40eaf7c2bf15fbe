"""The mail sink: a mail server of development that delivers nothing and shows everything. Never runs in production."""
