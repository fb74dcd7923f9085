"""The pytest plugin: detections and their expectations collected as tests."""
