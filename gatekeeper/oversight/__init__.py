"""The city's own hand: the switch that stops sharing, and the check of the log that staff may run."""
