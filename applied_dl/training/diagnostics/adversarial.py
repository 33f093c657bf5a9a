"""What the curves of two nets that learn from each other show: a critic that wins, and a generator that makes too few kinds of examples."""

from __future__ import annotations

import numpy as np

from applied_dl.training.diagnostics.finding import Finding

WINS, WIN_LOSS = 0.995, 0.02  # share of the pairs that the critic gets right, and its loss, from which the generator learns nothing
DIVERSITY = 0.6  # spread of made examples over that of real ones
LATE = 0.25  # share of the last epochs that count
FEWEST = 4  # epochs


def check_adversarial(rows: list[dict]) -> list[Finding]:
    """Findings on a history with `critic_wins`, `critic_loss` and `diversity`; none on any other."""
    if len(rows) < FEWEST or "critic_wins" not in rows[0]:
        return []
    late = rows[-max(2, round(LATE * len(rows))) :]
    wins, loss, spread = (float(np.mean([row[key] for row in late])) for key in ("critic_wins", "critic_loss", "diversity"))
    found = []
    if wins >= WINS and loss <= WIN_LOSS:
        found.append(
            Finding(
                name="critic_wins",
                where="learn.gamma",
                evidence=wins,
                limit=WINS,
                observed=f"in the last epochs the critic gets {wins:.1%} of pairs of real and made right, with a loss of {loss:.2g}",
                why="a critic that is always right gives the generator no direction to learn from",
                change="raise learn.gamma tenfold, lower train.learning_rate, or give more examples",
            )
        )
    if spread <= DIVERSITY:
        found.append(
            Finding(
                name="mode_collapse",
                where="model",
                evidence=spread,
                limit=DIVERSITY,
                observed=f"made examples spread {spread:.0%} as much as real ones",
                why="the generator makes a few kinds of examples and leaves the others out",
                change="raise learn.gamma, lower train.learning_rate, or widen the net (model.width)",
            )
        )
    return found
