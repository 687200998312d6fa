"""Pictures in words: a network that sees, a recurrent one that speaks, and how well a caption fits."""

from minicnn.captioning.captioner import Captioner, caption_loss
from minicnn.captioning.decode import beam_search, greedy
from minicnn.captioning.score import CaptionScores, references, score_captions

__all__ = ["CaptionScores", "Captioner", "beam_search", "caption_loss", "greedy", "references", "score_captions"]
