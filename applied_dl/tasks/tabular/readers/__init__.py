"""Tables to encoded parts."""
