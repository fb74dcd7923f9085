"""A server that speaks Splunk's REST interface and HTTP Event Collector, over the evaluator."""
