"""What the gate adds to a request: latency and throughput, beside the server itself and beside LiteLLM."""
