"""One module for each verb: what `applied-dl VERB` and the function of the same name do."""
