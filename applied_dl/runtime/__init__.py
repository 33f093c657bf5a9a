"""Run exported files with LiteRT: interpreters, golden checks, timing and fixed shapes."""
