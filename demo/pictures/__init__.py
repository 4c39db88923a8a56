"""Pictures drawn by code from facts, so that the text beside them can say what is on them."""
