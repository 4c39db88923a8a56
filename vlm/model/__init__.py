"""The model: vision tower, mapper, ways of injection, tuning, and the language model that they are put around."""
