"""From scores to probabilities: a conditional logit (McFadden 1974) over the classes of a message.

Every class c of a message has a vector x_c of scores (see `match`); P(c) = exp(β·x_c) / Σ exp(β·x_k). One β for all classes, so a class needs no
examples of its own to be calibrated and a topic added tomorrow is calibrated today. Fitted on leave-one-out scores by Newton's method, with a small
ridge towards the usual weights.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from .arrays import Floats, Integers

RIDGE = 1.0
ROUNDS = 12
TOGETHER = 200
"""Messages whose outer products are summed at the same time."""


def probabilities(scores: Floats, weights: Floats) -> Floats:
    """`scores` is (…, classes, columns); the result (…, classes) sums to 1 along the last axis."""
    logits = scores @ weights
    powers = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=-1, keepdims=True), np.float32)


def fit(scores: Floats, truth: Integers, usual: Floats) -> Floats:
    """β for `scores` (messages × classes × columns) and the true class of each message. With few messages it stays close to `usual`."""
    count, _, columns = scores.shape
    weights = usual.copy()
    chosen = scores[np.arange(count), truth]
    for _ in range(ROUNDS):
        shares = probabilities(scores, weights)
        mean = np.einsum("nc,ncf->nf", shares, scores)
        gradient = (chosen - mean).sum(axis=0) - RIDGE * (weights - usual)
        hessian = _spread(scores, shares) - mean.T @ mean + RIDGE * np.eye(columns, dtype=np.float32)
        step = np.linalg.solve(hessian.astype(np.float64), gradient.astype(np.float64))
        weights = weights + (step * min(1.0, 4.0 / max(float(np.abs(step).max()), 1e-9))).astype(np.float32)
        if np.abs(step).max() < 1e-3:
            break
    return weights


def _spread(scores: Floats, weights: Floats) -> Floats:
    """Σ w x xᵀ over all messages and classes (columns × columns), part by part to spare memory."""
    total = np.zeros((scores.shape[2], scores.shape[2]), np.float32)
    for start in range(0, len(scores), TOGETHER):
        part, root = scores[start : start + TOGETHER], np.sqrt(weights[start : start + TOGETHER])
        flat = (part * root[:, :, None]).reshape(-1, scores.shape[2])
        total += flat.T @ flat
    return total
