"""The numbers of the lecture "CNN Architectures" (Johnson, Deep Learning for Computer Vision, 2022), recomputed from the networks."""

from minicnn.analysis.lecture.case_studies import alexnet, googlenet, lenet, resnet, vgg, zfnet
from minicnn.analysis.lecture.claim import Claim
from minicnn.analysis.lecture.later import challenge, efficient, improving, transfer

TOPICS = (lenet, alexnet, zfnet, vgg, googlenet, resnet, improving, efficient, transfer, challenge)


def claims() -> list[Claim]:
    """Every number that the lecture shows, in its order, with what comes out here.

    Example:
        >>> len(claims()) > 100
        True
    """
    return [claim for topic in TOPICS for claim in topic()]


__all__ = ["TOPICS", "Claim", "claims"]
