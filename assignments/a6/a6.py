# ---
# jupyter:
#   jupytext: {text_representation: {extension: .py, format_name: percent}}
#   kernelspec: {display_name: Python 3 (ipykernel), language: python, name: python3}
# ---

# %% [markdown]
# # Assignment 6: transfer and localisation
#
# What a network has learnt is good for more than what it was trained for. First you use its features as they are;
# then one network says *what* is in a picture and *where*: a second head, four numbers, and a loss with two parts.
#
# Write where it says `YOUR CODE HERE`, run the cell, and then the cell under it, which checks what you have run.

# %% tags=["provided"]
import numpy as np

# %% [markdown]
# ## 1 Features in, neighbours out (5 points)
#
# Features of different units have different sizes, and the largest would decide alone which pictures are near each
# other. So one subtracts each feature's mean and divides by its standard deviation: those of the *training* pictures,
# for both sets. The test pictures must not have a say in how they are measured. (A feature that never changes has
# deviation 0: leave it at 0 instead of dividing.)
#
# Then the simplest classifier there is: a picture has the class of its nearest neighbour, by Euclidean distance.

# %% question="features"
def standardised(train, test):
    """(N, F) and (M, F) -> both, with the training pictures' mean 0 and deviation 1
    in each feature.
    """
    ### BEGIN SOLUTION
    mean, std = train.mean(axis=0), train.std(axis=0)
    std = np.where(std > 0, std, 1)
    return (train - mean) / std, (test - mean) / std
    ### END SOLUTION


def nearest_class(train, labels, test):
    """(N, F), (N,), (M, F) -> (M,): the labels of the nearest training pictures."""
    ### BEGIN SOLUTION
    distances = ((test[:, None] - train[None]) ** 2).sum(axis=2)
    return labels[distances.argmin(axis=1)]
    ### END SOLUTION


# %% [markdown]
# Some digits, and below each its nearest neighbour. Here the features are simply the pixels. Those of a trained network
# are better: in them, two pictures of the same thing are near each other even if their pixels have little in common.

# %%
import matplotlib.pyplot as plt

from minicnn.data import Digits

train, test = Digits(train=True, size=8), Digits(train=False, size=8)
shown = np.arange(10, 360, 36)
try:
    pixels = [images.reshape(-1, 64).astype(float) for images in (train.images, test.images[shown])]
    known, asked = standardised(*pixels)
    which = nearest_class(known, np.arange(len(train)), asked)  # numbers in the place of labels
    figure, panels = plt.subplots(2, 10, figsize=(8, 2))
    for column, (i, j) in enumerate(zip(shown, which, strict=True)):
        panels[0, column].imshow(test.images[i, 0], cmap="gray")
        panels[1, column].imshow(train.images[j, 0], cmap="gray")
    panels[0, 0].set_title("held out", loc="left", fontsize=9)
    panels[1, 0].set_title("nearest", loc="left", fontsize=9)
    for panel in panels.flat:
        panel.axis("off")
    plt.show()
except NotImplementedError:
    print("not written yet")

# %% [markdown]
# ## 2 Overlap (4 points)
#
# How good is a box? *Intersection over union*: the area that both boxes share, over the area that at least one
# covers. 0.5 is decent, 0.7 pretty good, 0.9 almost perfect. Boxes are (left, top, right, bottom), and these are the
# places of borders, not numbers of pixels: an area is width times height, and nothing is added.
#
# Compare each of N boxes with each of M, without loops. Boxes that only touch share nothing.

# %% question="iou"
def iou(a, b):
    """(N, 4), (M, 4) -> (N, M)."""
    ### BEGIN SOLUTION
    corner = np.maximum(a[:, None, :2], b[None, :, :2])
    size = np.maximum(np.minimum(a[:, None, 2:], b[None, :, 2:]) - corner, 0)
    shared = size[..., 0] * size[..., 1]
    area_a, area_b = ((boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1]) for boxes in (a, b))
    return shared / (area_a[:, None] + area_b[None] - shared)
    ### END SOLUTION


# %% [markdown]
# ## 3 One box for each object (4 points)
#
# A detector looks at hundreds of windows and finds each object many times. *Non-maximum suppression*: take the box
# with the highest score, and throw away all boxes whose IoU with it is more than a threshold; of those that are left
# take the best, and so on. A box that was thrown away throws nobody away.
#
# You may use `given_iou(a, b)`, which does what question 2 asks for.

# %% tags=["provided"]
def given_iou(a, b):
    """(N, 4), (M, 4) -> (N, M), box by box."""
    found = np.zeros((len(a), len(b)))
    for i, (l1, t1, r1, b1) in enumerate(a):
        for j, (l2, t2, r2, b2) in enumerate(b):
            shared = max(0, min(r1, r2) - max(l1, l2)) * max(0, min(b1, b2) - max(t1, t2))
            found[i, j] = shared / ((r1 - l1) * (b1 - t1) + (r2 - l2) * (b2 - t2) - shared)
    return found


# %% question="nms"
def suppress(boxes, scores, threshold):
    """(N, 4), (N,) -> a list of the indices of the boxes that stay, the best first."""
    ### BEGIN SOLUTION
    kept = []
    for i in np.argsort(-scores, kind="stable"):
        if not kept or given_iou(boxes[i : i + 1], boxes[kept]).max() <= threshold:
            kept.append(int(i))
    return kept
    ### END SOLUTION


# %% [markdown]
# ## 4 One loss for two questions (7 points)
#
# One trunk, two heads: scores (N, K) for the class, and a box (N, 4). The loss adds what each of them does wrong,
#
# $$L = \frac1N \sum_n \Big(-\log p_{n, y_n} + \lambda \sum_{i=1}^4 (\hat t_{ni} - t_{ni})^2\Big), \qquad
# p = \text{softmax}(\text{scores}),$$
#
# where $y_n$ is the class of picture $n$, $t_n$ its true box and $\hat t_n$ the one that was found; $\lambda$
# (`weight`) says how much a box is worth beside a class. Return the loss and its gradients with respect to the scores
# and to the boxes. The softmax must survive scores of 1000: subtract the largest of each row first.

# %% question="loss"
def localisation_loss(scores, found, labels, true, weight):
    """scores (N, K), found and true boxes (N, 4), labels (N,) integers
    -> the loss, dscores (N, K), dfound (N, 4).
    """
    ### BEGIN SOLUTION
    N = len(scores)
    shifted = scores - scores.max(axis=1, keepdims=True)
    log_p = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    loss = (-log_p[np.arange(N), labels] + weight * ((found - true) ** 2).sum(axis=1)).mean()
    dscores = np.exp(log_p)
    dscores[np.arange(N), labels] -= 1
    return loss, dscores / N, 2 * weight * (found - true) / N
    ### END SOLUTION


# %% [markdown]
# ## Your loss trains a localiser
#
# Pictures of figures, drawn as they are needed: never the same one twice. minicnn's `Localiser` has the trunk and the
# heads; its loss is yours, built into autograd as an operation. In half a minute it does not get far
# (`minicnn experiment localise` takes three and a half, and reaches a mean IoU of 0.88), but you see boxes go where
# they belong: white is the true box, red the one that was found.

# %%
import matplotlib.pyplot as plt

from minicnn import manual_seed, optim
from minicnn.autograd import Function
from minicnn.data import DataLoader, Shapes
from minicnn.data.transforms import Normalize
from minicnn.detection import Localiser, found_boxes, relative_boxes


class YourLoss(Function):
    def forward(self, scores, found, labels, true, *, weight):
        loss, *gradients = localisation_loss(scores, found, labels, true, weight)
        self.save(*gradients)
        return np.array(loss, scores.dtype)

    def backward(self, dy):
        dscores, dfound = self.saved
        return dy * dscores.astype(dy.dtype), dy * dfound.astype(dy.dtype), None, None


try:
    manual_seed(0)
    size, count = 32, 12_800
    model = Localiser(len(Shapes.classes), (16, 32, 64))
    normal = Normalize(Shapes.mean, Shapes.std)
    drawn = Shapes(count, size=size, clutter=0.0, target="box")
    pictures = DataLoader(drawn, 64, seed=0, transform=normal)
    optimizer = optim.Adam(model.parameters(), lr=0.003)
    for step, (images, labels, boxes) in enumerate(pictures, 1):
        outputs = model(images)
        true = relative_boxes(boxes, size, size)
        loss = YourLoss.apply(outputs.scores, outputs.boxes, labels, true, weight=20.0)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if step % 50 == 0:
            print(f"step {step}: loss {loss.item():.2f}")
    held_out = Shapes(200, train=False, size=size, clutter=0.0, target="box")
    images, labels, boxes = next(iter(DataLoader(held_out, 200, seed=0, transform=normal)))
    outputs = model.eval()(images)
    found = found_boxes(outputs.boxes, size, size).xyxy
    overlaps = np.diag(given_iou(found, boxes.numpy()))
    right = (outputs.scores.numpy().argmax(axis=1) == labels.numpy()).mean()
    print(f"held out: {right:.0%} of the classes are right, mean IoU {overlaps.mean():.2f}")
    figure, panels = plt.subplots(1, 6, figsize=(12, 2.2))
    for i, panel in enumerate(panels):
        panel.imshow(held_out[i][0].transpose(1, 2, 0))
        for (l, t, r, b), colour in ((boxes.numpy()[i], "white"), (found[i], "red")):
            panel.plot([l, r, r, l, l], [t, t, b, b, t], color=colour)
        panel.set_title(f"IoU {overlaps[i]:.2f}")
        panel.axis("off")
    plt.show()
except NotImplementedError:
    print("not written yet")

# %% [markdown]
# You now have what turns a classifier into a searcher and a localiser: features, boxes, and a loss with two parts. So
# far NumPy and minicnn have done the computing. In assignment 7 you write it yourself, as it runs on a GPU.
