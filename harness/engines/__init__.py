"""What runs a search: the embedded evaluator today, a real Splunk and Spark beside it later."""
