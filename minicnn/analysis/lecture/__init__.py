"""The numbers of the lecture "CNN Architectures" (Johnson 2022), recomputed from the networks.

Every number that a network, a layer or a formula can give is computed; error rates and settings of training, which take weeks on
ImageNet to reproduce, are looked up in the papers, and marked so.
"""

from minicnn.analysis.lecture.case_studies import alexnet, googlenet, lenet, resnet, vgg, zfnet
from minicnn.analysis.lecture.claim import Claim
from minicnn.analysis.lecture.later import challenge, efficient, improving, training, transfer

TOPICS = (lenet, alexnet, zfnet, vgg, googlenet, resnet, improving, efficient, transfer, training, challenge)


def claims() -> list[Claim]:
    """The numbers of the lecture in its order, with what comes out here.

    Example:
        >>> len(claims()) > 100
        True
    """
    return [claim for topic in TOPICS for claim in topic()]


__all__ = ["TOPICS", "Claim", "claims"]
