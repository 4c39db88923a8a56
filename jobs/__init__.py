"""What you submit: thin mains for spark-submit and for the `weft` command."""
