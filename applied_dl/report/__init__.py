"""What a person reads and looks at: the model card, the plots, the latency table."""
