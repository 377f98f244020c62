"""The running portal with handles for tests and benches: its processes, senders that keep a ledger, and faults."""
