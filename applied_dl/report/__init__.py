"""What a person reads: the model card (`card.py`), its HTML page (`html.py`), the plots and the progress lines."""
