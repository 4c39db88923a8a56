"""What we think of the data: pure functions on plain values. No Spark, no I/O."""
