"""What a model has learnt: held-out loss and probes on documents it has not seen, and text that it writes."""
