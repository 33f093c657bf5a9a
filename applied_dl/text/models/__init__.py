"""Builders over text: ids of sub-words or words (B, T), or raw bytes, in; vectors (B, D) out."""

from applied_dl.text.models.bert import pretrained
from applied_dl.text.models.static import raw_bytes, static
from applied_dl.text.models.transformer import classifier, masked_language_model, transformer
from applied_dl.text.models.word_vectors import word_lookup

__all__ = ["classifier", "masked_language_model", "pretrained", "raw_bytes", "static", "transformer", "word_lookup"]
