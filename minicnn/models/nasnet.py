"""NASNet-A: cells that a search found on small images, stacked for large ones (Zoph et al. 2018). The cells are in `nasnet_cell.py`."""

from minicnn import nn
from minicnn.autograd import Tensor
from minicnn.checks import flag, fraction, integer
from minicnn.errors import ArgumentError, ShapeError
from minicnn.models.auxiliary import Outputs
from minicnn.models.nasnet_cell import NormalCell, ReductionCell, norm
from minicnn.models.pretrained import Weights, load_pretrained
from minicnn.models.registry import register_model
from minicnn.ops import relu


def whole_windows(x: Tensor, size: int, stride: int) -> Tensor:
    """The image without the rows at the bottom and the columns at the right that no window without padding reaches.

    >>> import minicnn
    >>> whole_windows(minicnn.ones(1, 3, 224, 225), size=3, stride=2).shape
    (1, 3, 223, 225)
    """
    H, W = (length - max(0, length - size) % stride for length in x.shape[2:])
    return x[:, :, :H, :W]


def middle(resolution: int) -> int:
    """Height and width of the second stage's maps: the image is halved four times, first rounded down, then rounded up.

    >>> middle(224), middle(331)
    (14, 21)
    """
    size = (resolution - 3) // 2 + 1
    for _ in range(3):
        size = (size + 1) // 2
    return size


class AuxiliaryHead(nn.Module):
    """Scores from the middle of the network, for training.

        x ── ReLU ── average pool 5x5 / 3 ── 1x1 conv to 128, BN, ReLU ── conv over the whole map to 768, BN, ReLU ── linear

    Args:
        in_channels: of the input.
        size: height and width of the input.
        num_classes: size of the output.

    Raises:
        ArgumentError: the input is smaller than the window of the pooling.
        ShapeError: the input has another size.

    Source:
        The authors' code, nasnet.py in TensorFlow's slim.

    Example:
        >>> import minicnn
        >>> AuxiliaryHead(528, 14, num_classes=10)(minicnn.ones(2, 528, 14, 14)).shape
        (2, 10)
    """

    def __init__(self, in_channels: int, size: int, num_classes: int) -> None:
        super().__init__()
        if size < 5:
            raise ArgumentError(f"AuxiliaryHead: maps of {size}x{size} are smaller than its window of 5x5: the images need 67x67 pixels")
        self.size, pooled = size, (size - 5) // 3 + 1
        self.avg_pool = nn.AvgPool2d(5, stride=3)
        self.proj = nn.Conv2d(in_channels, 128, 1, bias=False)
        self.bn0 = norm(128)
        self.conv = nn.Conv2d(128, 768, pooled, bias=False)
        self.bn1 = norm(768)
        self.fc = nn.Linear(768, num_classes)

    def forward(self, x: Tensor) -> Tensor:
        """(N, in_channels, size, size) to scores (N, num_classes)."""
        if x.shape[2:] != (self.size, self.size):
            raise ShapeError(f"the auxiliary head takes maps of {self.size}x{self.size}; x is {x.shape}: train with images of `resolution`")
        x = self.avg_pool(whole_windows(relu(x), size=5, stride=3))
        x = nn.norm_relu(self.bn0, self.proj(x))
        x = nn.norm_relu(self.bn1, self.conv(x))
        return self.fc(x.flatten(1))


class NASNetA(nn.Module):
    """NASNet-A: a stem that divides the image by eight, then three stages of equal cells, a reduction between each two, a linear layer.

        image ── conv 3x3 / 2, BN ── 2 reduction cells ── normal cells ── reduction cell ── normal cells ── reduction cell
              ── normal cells ── ReLU, average ── linear

    What was new: nobody drew the cells. A recurrent network proposed them, was rewarded with the accuracy of a small network of such
    cells on CIFAR-10, and learned to propose better ones; the best were then stacked higher for ImageNet. By hand one chooses how many
    filters the first stage has (each later stage has twice as many), and how many cells. "4 @ 1056" means four normal cells a stage and
    1056 channels at the end, 24 times the filters.

    Every cell reads the outputs of the two before it. The wiring, where the paper leaves it open, is that of the authors' code:

    - The first cell of the stem reads the first convolution twice. The stem's cells have a quarter and half of the filters.
    - To the normal cell behind a reduction, "the cell before that" is the input of the reduction (mobile), or, with
      `skip_reduction_input`, the cell before that input (large). Either is twice as large, and is halved.
    - All padding is SAME, but the first convolution has none: of 224 pixels it never sees the last row and column. At an even size
      and stride 2, SAME is not symmetric. Cadene's PyTorch versions pad too much and crop, which gives the same numbers at the
      usual sizes from more products (568 instead of 564 million in the mobile network). Averages do not count padding; timm's
      nasnetalarge counts it in its reduction cells, and its scores differ a little.
    - `drop_path` grows from cell to cell, up to the given value in the last. The authors' also grows in the course of training.

    Batch norm has eps 1e-3, and momentum 0.1 as in those PyTorch versions; the authors' 0.0003 needs very many batches. The auxiliary
    head stands on the second stage; in training, the network then returns `Outputs`, in which the head counts 0.4, as with the authors.

    Args:
        filters: channels of a hidden state in the first stage, a multiple of 4.
        cells: normal cells in each stage.
        stem: channels of the first convolution.
        resolution: height and width of the images. Others are fine, too, except for the auxiliary head.
        num_classes: size of the output.
        in_channels: 3 for colour, 1 for grey images.
        skip_reduction_input: what the cell behind a reduction reads, see above.
        drop_path: probability that a sample does without the result of an operation of the last cell, in training.
        aux: with the auxiliary head.
        weights: a file of weights, or None to start from random ones.

    Raises:
        ArgumentError: `filters` is no multiple of 4, or the images are too small for the auxiliary head.
        ShapeError: in training with the auxiliary head, images are not of the size `resolution`.

    Source:
        Zoph, Vasudevan, Shlens & Le 2018, "Learning transferable architectures for scalable image recognition" (arXiv:1707.07012);
        the authors' code, nasnet.py and nasnet_utils.py in TensorFlow's slim.

    Example:
        >>> import minicnn
        >>> net = NASNetA(8, 1, 8, 48, num_classes=10)
        >>> net(minicnn.ones(2, 3, 48, 48)).shape
        (2, 10)
    """

    def __init__(
        self, filters: int, cells: int, stem: int, resolution: int, num_classes: int = 1000, in_channels: int = 3, *,
        skip_reduction_input: bool = False, drop_path: float = 0.0, aux: bool = False, weights: Weights = None,
    ) -> None:  # fmt: skip
        super().__init__()
        if integer(filters, "NASNetA: filters") % 4:
            raise ArgumentError(f"NASNetA: filters must be a multiple of 4, for the stem has a quarter of them, not {filters}")
        resolution = integer(resolution, "NASNetA: resolution")
        self.input_shape = (in_channels, resolution, resolution)
        self.cells = integer(cells, "NASNetA: cells")
        self.skip_reduction_input = flag(skip_reduction_input, "NASNetA: skip_reduction_input")
        drop_path = fraction(drop_path, "NASNetA: drop_path", include_one=True)
        total = 3 * cells + 4
        drop = (drop_path * (i + 1) / total for i in range(total))
        self.conv0 = nn.Sequential({"conv": nn.Conv2d(in_channels, stem, 3, stride=2, bias=False), "bn": norm(stem)})
        self.cell_stem_0 = ReductionCell(stem, stem, filters // 4, previous="keep", drop_path=next(drop))
        self.cell_stem_1 = ReductionCell(filters, stem, filters // 2, previous="halve", drop_path=next(drop))
        before, last = filters, 2 * filters  # channels of the outputs of the last two cells
        for stage in range(3):
            F = filters * 2**stage
            if stage > 0:
                setattr(self, f"reduction_cell_{stage - 1}", ReductionCell(last, before, F, drop_path=next(drop)))
                before, last = before if skip_reduction_input else last, 4 * F
            for i in range(cells):
                cell = NormalCell(last, before, F, previous="halve" if i == 0 else "project", drop_path=next(drop))
                setattr(self, self.name(stage, i), cell)
                before, last = last, 6 * F
        self.aux_head = AuxiliaryHead(12 * filters, middle(resolution), num_classes) if flag(aux, "NASNetA: aux") else None
        self.global_pool = nn.GlobalAvgPool2d()
        self.dropout = nn.Dropout(0.5)
        self.last_linear = nn.Linear(last, num_classes)
        load_pretrained(self, weights)

    def name(self, stage: int, i: int) -> str:
        """Of normal cell i. Stages begin with cell_0, cell_6 and cell_12, also with fewer than six cells, as in published weights."""
        return f"cell_{max(self.cells, 6) * stage + i}"

    def forward(self, image: Tensor) -> Tensor | Outputs:
        """(N, in_channels, H, W) to scores (N, num_classes); in training mode with `aux` to `Outputs`."""
        stem = self.conv0(whole_windows(image, size=3, stride=2))
        before = self.cell_stem_0(stem, stem)
        last = self.cell_stem_1(before, stem)
        stages = []
        for stage in range(3):
            if stage > 0:
                reduced = getattr(self, f"reduction_cell_{stage - 1}")(last, before)
                before, last = before if self.skip_reduction_input else last, reduced
            for i in range(self.cells):
                before, last = last, getattr(self, self.name(stage, i))(last, before)
            stages.append(last)
        scores = self.last_linear(self.dropout(self.global_pool(relu(last)).flatten(1)))
        if self.training and self.aux_head is not None:
            return Outputs(scores, (self.aux_head(stages[1]),), weight=0.4)
        return scores


@register_model
def NASNetAMobile(
    num_classes: int = 1000, in_channels: int = 3, *, filters: int = 44, cells: int = 4, resolution: int = 224, aux: bool = False,
    weights: Weights = None,
) -> NASNetA:  # fmt: skip
    """NASNet-A (4 @ 1056), for phones. No path is dropped. See `NASNetA`.

        stage             layers                   output  parameters  multiply-adds
        input                               3 x 224 x 224
        conv0             conv 3x3 / 2     32 x 111 x 111         928     10,645,344
        cell_stem_0       ReductionCell      44 x 56 x 56       8,534     29,236,832
        cell_stem_1       ReductionCell      88 x 28 x 28      13,948     14,453,824
        cell_0            NormalCell        264 x 28 x 28      33,000     25,044,096
        cell_1            NormalCell        264 x 28 x 28      42,680     32,633,216
        cell_2            NormalCell        264 x 28 x 28      50,424     38,704,512
        cell_3            NormalCell        264 x 28 x 28      50,424     38,704,512
        reduction_cell_0  ReductionCell     352 x 14 x 14     153,648     57,021,888
        cell_6            NormalCell        528 x 14 x 14     147,312     28,459,200
        cell_7            NormalCell        528 x 14 x 14     170,544     33,012,672
        cell_8            NormalCell        528 x 14 x 14     186,032     36,048,320
        cell_9            NormalCell        528 x 14 x 14     186,032     36,048,320
        reduction_cell_1  ReductionCell       704 x 7 x 7     555,104     54,313,952
        cell_12           NormalCell         1056 x 7 x 7     557,920     27,131,104
        cell_13           NormalCell         1056 x 7 x 7     650,848     31,684,576
        cell_14           NormalCell         1056 x 7 x 7     712,800     34,720,224
        cell_15           NormalCell         1056 x 7 x 7     712,800     34,720,224
        global_pool       avg pool to 1x1    1056 x 1 x 1           0              0
        last_linear       linear                     1000   1,057,000      1,056,000
        total                                               5,289,978    563,638,816

    With the auxiliary head, 7,701,218 parameters. ImageNet error (top-1 / top-5): 26.0 / 8.4 % (paper, table 3).
    """
    return NASNetA(filters, cells, 32, resolution, num_classes, in_channels, aux=aux, weights=weights)


@register_model
def NASNetALarge(
    num_classes: int = 1000, in_channels: int = 3, *, filters: int = 168, cells: int = 6, resolution: int = 331, drop_path: float = 0.3,
    aux: bool = False, weights: Weights = None,
) -> NASNetA:  # fmt: skip
    """NASNet-A (6 @ 4032), the network of the paper with the fewest errors. See `NASNetA`.

        stage             layers                   output  parameters   multiply-adds
        input                               3 x 331 x 331
        conv0             conv 3x3 / 2     96 x 165 x 165       2,784      70,567,200
        cell_stem_0       ReductionCell     168 x 83 x 83      49,230     414,774,786
        cell_stem_1       ReductionCell     336 x 42 x 42     121,128     323,765,568
        cell_0            NormalCell       1008 x 42 x 42     396,816     692,870,976
        cell_1            NormalCell       1008 x 42 x 42     537,936     941,806,656
        cell_2            NormalCell       1008 x 42 x 42     650,832   1,140,955,200
        cell_3            NormalCell       1008 x 42 x 42     650,832   1,140,955,200
        cell_4            NormalCell       1008 x 42 x 42     650,832   1,140,955,200
        cell_5            NormalCell       1008 x 42 x 42     650,832   1,140,955,200
        reduction_cell_0  ReductionCell    1344 x 21 x 21   1,919,904   1,739,289,888
        cell_6            NormalCell       2016 x 21 x 21   1,979,040     869,200,416
        cell_7            NormalCell       2016 x 21 x 21   2,317,728   1,018,561,824
        cell_8            NormalCell       2016 x 21 x 21   2,543,520   1,118,136,096
        cell_9            NormalCell       2016 x 21 x 21   2,543,520   1,118,136,096
        cell_10           NormalCell       2016 x 21 x 21   2,543,520   1,118,136,096
        cell_11           NormalCell       2016 x 21 x 21   2,543,520   1,118,136,096
        reduction_cell_1  ReductionCell    2688 x 11 x 11   7,452,480   1,766,839,872
        cell_12           NormalCell       4032 x 11 x 11   7,796,544     941,430,336
        cell_13           NormalCell       4032 x 11 x 11   9,151,296   1,105,355,328
        cell_14           NormalCell       4032 x 11 x 11  10,054,464   1,214,638,656
        cell_15           NormalCell       4032 x 11 x 11  10,054,464   1,214,638,656
        cell_16           NormalCell       4032 x 11 x 11  10,054,464   1,214,638,656
        cell_17           NormalCell       4032 x 11 x 11  10,054,464   1,214,638,656
        global_pool       avg pool to 1x1    4032 x 1 x 1           0               0
        last_linear       linear                     1000   4,033,000       4,032,000
        total                                              88,753,150  23,783,414,658

    With the auxiliary head, 93,320,934 parameters. ImageNet error (top-1 / top-5): 17.3 / 3.8 % (paper, table 2).
    """
    return NASNetA(
        filters, cells, 96, resolution, num_classes, in_channels,
        skip_reduction_input=True, drop_path=drop_path, aux=aux, weights=weights,
    )  # fmt: skip
