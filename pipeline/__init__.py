"""How the data flows: one file a stage, `flow.py` lists them in order."""
