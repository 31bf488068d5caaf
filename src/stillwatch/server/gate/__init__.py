"""The gate in a request's path: an ASGI middleware, a reverse proxy, and answers to other gateways. Extra ``forum``."""
