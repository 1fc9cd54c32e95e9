"""What a user would otherwise pick. Each takes (phrasing, topic) pairs and ranks topics for a message."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TypeAlias

Ranker: TypeAlias = Callable[[str], list[str]]
"""Message → topics, best first, at least four where there are as many."""


def rapidfuzz_nearest(pairs: list[tuple[str, str]]) -> Ranker:
    """The topic of the most similar phrasing by `fuzz.ratio`."""
    from rapidfuzz import fuzz, process  # noqa: PLC0415  (each worker loads its own)

    texts = [text for text, _ in pairs]

    def rank(message: str) -> list[str]:
        found = process.extract(message, texts, scorer=fuzz.ratio, processor=None, limit=40)
        return list(dict.fromkeys(pairs[number][1] for _, _, number in found))

    return rank


def bm25_words(pairs: list[tuple[str, str]]) -> Ranker:
    """The topic of the best phrasing by BM25 over jieba's words."""
    import bm25s  # noqa: PLC0415
    import jieba  # noqa: PLC0415

    jieba.setLogLevel(logging.WARNING)
    index = bm25s.BM25()
    index.index([jieba.lcut(text) for text, _ in pairs], show_progress=False)

    def rank(message: str) -> list[str]:
        known = [word for word in jieba.lcut(message) if word in index.vocab_dict]
        if not known:
            return [pairs[0][1]]
        numbers, _ = index.retrieve([known], k=min(40, len(pairs)), show_progress=False)
        return list(dict.fromkeys(pairs[int(number)][1] for number in numbers[0]))

    return rank


def linear_ngrams(pairs: list[tuple[str, str]]) -> Ranker:
    """A linear classifier (support vectors) over TF-IDF of character 1- to 3-grams."""
    from sklearn.feature_extraction.text import TfidfVectorizer  # noqa: PLC0415
    from sklearn.svm import LinearSVC  # noqa: PLC0415

    vectorizer = TfidfVectorizer(analyzer="char", ngram_range=(1, 3), sublinear_tf=True)
    classifier = LinearSVC(C=0.5)
    classifier.fit(vectorizer.fit_transform([text for text, _ in pairs]), [topic for _, topic in pairs])

    def rank(message: str) -> list[str]:
        scores = classifier.decision_function(vectorizer.transform([message]))[0]
        return [str(classifier.classes_[number]) for number in (-scores).argsort()]

    return rank


RIVALS = {"rapidfuzz nearest (ratio)": rapidfuzz_nearest, "BM25 over jieba words": bm25_words, "linear, character n-grams": linear_ngrams}
