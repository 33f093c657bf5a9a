"""People's texts: each function trains the default recipe on one kind of file and checks the answer; its docstring says what is right."""

from __future__ import annotations

from pathlib import Path

from benchmarks.command import Outcome, failed, predict, train


def tags(folder: Path) -> Outcome:
    """Six labels, several per text: F1 at least 0.95."""
    run = train(folder, "sentences", "data.source=tags.csv")
    if run.code:
        return failed(run)
    answer = predict(run.bundle, "invoice. parcel", "--top", "999")[0]
    found = len(answer.get("top", ()))
    return Outcome(run.metric("f1") >= 0.95 and found == 6, f"{found} labels, F1 {run.metric('f1'):.3f}")


def long_documents(folder: Path) -> Outcome:
    """All of a document is read by default: accuracy at least 0.99 although the words that decide come last."""
    run = train(folder, "sentences", "data.source=documents.csv")
    return failed(run) if run.code else Outcome(run.metric("accuracy") >= 0.99, f"accuracy {run.metric('accuracy'):.3f}")
