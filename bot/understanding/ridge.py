"""Kernel ridge regression on sparse rows, by conjugate gradients, with leave-one-out scores.

The dual problem (X Xᵀ + λI) A = Y needs products with X only, so it takes 4,000 rows in 0.2 s and 100,000 in seconds. Leave-one-out residuals are
a_i / d_i with d = diag((X Xᵀ + λI)⁻¹) (Rifkin & Lippert 2007); d is estimated from random signs
(Hutchinson 1990; Bekas, Kokiopoulou & Saad 2007) solved in the same run.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from scipy.sparse import csr_array

    from .arrays import Floats

TOLERANCE = 2e-2
EXACT = 64
"""Up to this many rows the diagonal is computed, not estimated."""
TOGETHER = 26
"""Columns that are solved at the same time: more of them take more memory and are no faster."""


def fit(rows: csr_array, targets: Floats, *, penalty: float, probes: int, iterations: int) -> tuple[Floats, Floats]:
    """Weights (features × classes) and leave-one-out scores (rows × classes).

    `rows` has unit norm per row; `targets` is rows × classes; `probes` random columns estimate the diagonal: more of them, less noise in the
    leave-one-out scores.
    """
    classes, columns = targets.shape[1], rows.T.tocsr()
    wanted = np.hstack([targets, probe := _probe(len(targets), probes)])
    solved = np.hstack([_solve(rows, columns, wanted[:, start : start + TOGETHER], penalty, iterations) for start in range(0, wanted.shape[1], TOGETHER)])
    dual = np.ascontiguousarray(solved[:, :classes])
    diagonal = np.clip((probe * solved[:, classes:]).sum(axis=1), 1 / (penalty + 4), 1 / penalty)
    return np.asarray(rows.T @ dual), targets - dual / diagonal[:, None]


def _probe(count: int, probes: int) -> Floats:
    """Columns whose products with their solutions add up to the diagonal: exact for few rows, random signs for many."""
    if count <= EXACT:
        return np.eye(count, dtype=np.float32)
    signs = np.random.default_rng(0).integers(0, 2, (count, probes), np.int8)
    return np.asarray((2.0 * signs - 1) / probes**0.5, np.float32)


def _solve(rows: csr_array, columns: csr_array, targets: Floats, penalty: float, iterations: int) -> Floats:
    """Conjugate gradients for some targets at once, each with its own step length; `columns` is `rows` transposed."""
    solution = np.zeros_like(targets)
    residual = targets.copy()
    direction = residual.copy()
    power = np.einsum("ij,ij->j", residual, residual)
    goal = power * TOLERANCE**2
    for _ in range(iterations):
        image = rows @ (columns @ direction) + penalty * direction
        step = power / np.maximum(np.einsum("ij,ij->j", direction, image), np.finfo(np.float32).tiny)
        solution += step * direction
        residual -= step * image
        before, power = power, np.einsum("ij,ij->j", residual, residual)
        if (power <= goal).all():
            break
        direction = residual + (power / np.maximum(before, np.finfo(np.float32).tiny)) * direction
    return solution
