"""What is done with shards once they are written: checked, indexed anew, moved, cut anew, taken back, exported."""
