"""The disbursement worker: pays each approved application once, keeps the books, tells what became of it."""
