"""The sandbox bank: the outside world of Fundline, with a ledger of its own that nothing else may touch."""
