"""Pure statistics that several verbs share: no I/O, and nothing of requests or accounts."""
