"""What learns from the shards: the data loader and the reference trainer. Knows no Spark."""
