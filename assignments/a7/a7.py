# ---
# jupyter:
#   jupytext: {text_representation: {extension: .py, format_name: percent}}
#   kernelspec: {display_name: Python 3 (ipykernel), language: python, name: python3}
# ---

# %% [markdown]
# # Assignment 7: CUDA without a GPU
#
# A GPU runs one function, the *kernel*, in thousands of *threads* at once. Every thread executes the same lines, and
# has its own number, from which it finds out what it has to do. Threads come in *blocks* of up to 1024; the threads
# of a block can wait for one another and share some fast memory. All blocks together are the *grid*. Whoever
# *launches* a kernel, that is, has it run, says how large both are.
#
# You need no GPU. You write kernels in CUDA C++, as texts in this notebook; a C++ compiler (`sudo apt install g++`)
# translates them, and minicnn's simulator runs them on your processor, thread by thread. It is slow, and it sees what
# a GPU does not tell you: indices outside an array, and threads that disturb each other. The same texts would run on
# a GPU.
#
# Write where it says `YOUR CODE HERE`, run the cell, and then the cell under it, which checks what you have run.
# Numbers are `float`, 32 bits, throughout.

# %% tags=["provided"]
import numpy as np
from minicnn.course.cuda import launch
from minicnn.errors import SimulatorError

# %% [markdown]
# ## A first kernel, to read
#
# It adds 1 to eight numbers, with one block of eight threads. If you know Python and no C++, this is nearly all that
# you need:
#
# - `extern "C" __global__ void` says: this is a kernel, it returns nothing, and its name is what follows.
# - `float* y` is an array: `y[0]`, `y[1]` ... are its numbers. It does not know how long it is, nor its shape: so those
#   are arguments, too (`int n`). `const` before it means that the kernel only reads it.
# - `threadIdx.x` is the number of the thread in its block: 0 in the first one, 7 in the eighth.
# - `const int i = 3;` makes a variable, here of whole numbers. Every statement ends with `;`, and `{ }` does what
#   indentation does in Python.
# - `if (i < n) ...`, `for (int k = 0; k < n; k++) ...`. `return;` ends this thread, and no other.
# - `/` rounds whole numbers down (those from 0 on): `7 / 2` is 3, and `7 % 2`, what is left, is 1.
# - `i < n ? a : b` is Python's `a if i < n else b`; `&&` is `and`, `||` is `or`. `fmaxf(a, b)` is the larger one.

# %%
FIRST = r"""
extern "C" __global__ void first(const float* x, float* y, int n) {
  const int i = threadIdx.x;
  y[i] = x[i] + 1;
}
"""

x, y = np.arange(8, dtype=np.float32), np.zeros(8, np.float32)
launch(FIRST, "first", grid=(1,), block=(8,), arguments=(x, y, 8))
print(y)

# %% [markdown]
# Now with one thread too many. A GPU would perhaps say nothing, and have overwritten something else. The simulator says
# which thread has done what, and in which line of your text (its first line is empty). How would you change the kernel?

# %%
try:
    launch(FIRST, "first", grid=(1,), block=(9,), arguments=(x, y, 8))
except SimulatorError as error:
    print(error)

# %% [markdown]
# ## 1 A thread for every number (4 points)
#
# $y_i = \max(0,\; a\,x_i + b)$ for $n$ numbers, and now with several blocks. In a grid along one axis, a thread of
# block `blockIdx.x` has `blockIdx.x` blocks before its own, of `blockDim.x` threads each, so it takes the number
#
# ```
# int i = blockIdx.x * blockDim.x + threadIdx.x;
# ```
#
# Blocks are all of one size, and $n$ is seldom a multiple of it: the last block has threads with nothing to do. They
# must not touch the arrays.

# %% question="index"
SCALE = r"""
extern "C" __global__ void scale(const float* x, float* y, float a, float b, int n) {
  // BEGIN SOLUTION
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < n) y[i] = fmaxf(0, a * x[i] + b);
  // END SOLUTION
}
"""

# %% [markdown]
# To launch it, say how many blocks, and how many threads in each. 1000 numbers need four blocks of 256.

# %%
x, y = np.linspace(-1, 1, 1000, dtype=np.float32), np.full(1000, np.nan, np.float32)
try:
    launch(SCALE, "scale", grid=(4,), block=(256,), arguments=(x, y, 2.0, 0.5, 1000))
    print("largest difference from NumPy:", np.abs(y - np.maximum(0, 2 * x + 0.5)).max())
except NotImplementedError as error:
    print(error)

# %% [markdown]
# Grids and blocks can have up to three axes: x, y and z. For images, let x be the column, y the row, and z the channel
# of all images, counted through: `blockIdx.z = n * C + c`. Here is who computes which pixel of one image of 20 rows and
# 28 columns, in blocks of 8x8: a colour for each block, its `blockIdx.x, blockIdx.y` in bold, and in each pixel the
# `threadIdx.x` of its thread. (`gridDim.x` is the number of blocks along x.)

# %%
import matplotlib.pyplot as plt

WHO = r"""
extern "C" __global__ void who(float* block, float* thread, int H, int W) {
  const int column = blockIdx.x * blockDim.x + threadIdx.x;
  const int row = blockIdx.y * blockDim.y + threadIdx.y;
  if (row >= H || column >= W) return;
  block[row * W + column] = blockIdx.y * gridDim.x + blockIdx.x;
  thread[row * W + column] = threadIdx.x;
}
"""

block, thread = np.zeros((20, 28), np.float32), np.zeros((20, 28), np.float32)
launch(WHO, "who", grid=(4, 3), block=(8, 8), arguments=(block, thread, 20, 28))
plt.figure(figsize=(9, 6))
plt.imshow(block, cmap="tab20", alpha=0.45)
for (row, column), number in np.ndenumerate(thread):
    plt.text(column, row, int(number), ha="center", va="center", fontsize=7)
for row, column in np.ndindex(3, 4):
    place = 8 * column + (3.5 if column < 3 else 1.5), 8 * row + (3.5 if row < 2 else 1.5)
    label = plt.text(*place, f"{column}, {row}", ha="center", va="center", fontsize=15, weight="bold")
    label.set_bbox({"facecolor": "white", "edgecolor": "none"})
plt.xticks(range(0, 28, 4))
plt.yticks(range(0, 20, 4))
plt.title("12 blocks of 64 threads; 208 of the 768 threads have no pixel")
plt.show()

# %% [markdown]
# Turn images (N, C, H, W) over, left to right, and subtract each channel's mean:
# $y_{n,c,i,j} = x_{n,c,i,W-1-j} - m_c$. An array has its numbers one after the other in memory, the last index fastest:
# $x_{n,c,i,j}$ is `x[((n * C + c) * H + i) * W + j]`.

# %% question="index"
MIRROR = r"""
extern "C" __global__ void mirror(const float* x, const float* m, float* y,
                                  int N, int C, int H, int W) {
  // BEGIN SOLUTION
  const int j = blockIdx.x * blockDim.x + threadIdx.x, i = blockIdx.y * blockDim.y + threadIdx.y,
            image = blockIdx.z;
  if (i >= H || j >= W || image >= N * C) return;
  y[(image * H + i) * W + j] = x[(image * H + i) * W + W - 1 - j] - m[image % C];
  // END SOLUTION
}
"""

# %%
from minicnn.data import Digits

digits = Digits(train=False, size=28).images[[20, 25, 95, 115, 275]].astype(np.float32)
turned, nothing = np.full_like(digits, np.nan), np.zeros(1, np.float32)
try:
    arguments = digits, nothing, turned, 5, 1, 28, 28
    launch(MIRROR, "mirror", grid=(4, 4, 5), block=(8, 8), arguments=arguments)
    figure, panels = plt.subplots(2, 1, figsize=(6, 3))
    for panel, images, title in ((panels[0], digits, "x"), (panels[1], turned, "y")):
        panel.imshow(np.hstack(images[:, 0]), cmap="gray")
        panel.set_title(title)
        panel.axis("off")
    plt.show()
except NotImplementedError as error:
    print(error)

# %% [markdown]
# ## 2 Races (6 points)
#
# A kernel's arguments lie in *global memory*: large, slow, and the same for all threads. *Shared memory* is small and
# fast. Each block has its own, which all of its threads see: an array that is declared with `__shared__`. (All other
# variables belong to one thread alone.) What one thread writes there another can read, but *when*? On a GPU nobody
# knows which thread comes first. `__syncthreads()` is a *barrier*: every thread of the block waits there until all
# have come. If a thread uses what another one writes, and no barrier is between, that is a *race*.
#
# First do it wrong on purpose. One block of 64 threads adds 64 numbers: each thread stores one in shared memory, and
# one of them adds up what all have stored, into `y[0]`. Leave the barrier out, in such a way that the sum is *right*
# when the threads take their turns forward, and wrong in reverse. (The simulator lets a thread run until it waits or
# ends.)

# %% question="race"
RACY = r"""
extern "C" __global__ void racy(const float* x, float* y) {
  __shared__ float stored[64];
  // BEGIN SOLUTION
  stored[threadIdx.x] = x[threadIdx.x];
  if (threadIdx.x == 63) {
    float sum = 0;
    for (int i = 0; i < 64; i++) sum += stored[i];
    y[0] = sum;
  }
  // END SOLUTION
}
"""

# %% [markdown]
# Run it in three orders, and then with the memory check, which notes for every byte of shared memory who has used it
# since the last barrier. It needs no luck with the order: read its sentence. (Numbers in brackets are those of a block
# or a thread along x, y and z; the line is that of your text. `nan`, "not a number", is what the simulator puts into
# shared memory before anybody writes there.)

# %%
x, y = np.ones(64, np.float32), np.zeros(1, np.float32)
try:
    for order in ("forward", "reverse", "shuffled"):
        launch(RACY, "racy", (1,), (64,), (x, y), order=order, check=False)
        print(order, y[0])
    launch(RACY, "racy", (1,), (64,), (x, y))
except (NotImplementedError, SimulatorError) as error:
    print(error)

# %% [markdown]
# Now do it right, and better. In a *tree*, half of the threads add the number of another one to their own, then a
# quarter of them, and so on: for 256 numbers 8 steps instead of 256.
#
# ```
# numbers of a block    3  1  4  1  5  9  2  6
# first 4 threads       8 10  6  7              each adds the one 4 further on
# first 2 threads      14 17                                     2
# first thread         31                                        1
# ```
#
# The block has a power of two of threads, up to 1024, and there are as many blocks as `n` numbers need, or more. Each
# block adds its sum to `y[0]`. Blocks run at the same time, too, and `y[0] += ...` reads, adds and writes back: if two
# blocks read the same old sum, one of theirs is lost. `atomicAdd(y, sum)` does all three in one piece: use it, once in
# each block. Where are barriers needed? And a barrier inside an `if` that not all threads of the block enter is a
# mistake of its own: some would wait forever.

# %% question="race"
FIXED = r"""
extern "C" __global__ void fixed(const float* x, float* y, int n) {
  __shared__ float sums[1024];
  // BEGIN SOLUTION
  const int t = threadIdx.x, i = blockIdx.x * blockDim.x + t;
  sums[t] = i < n ? x[i] : 0;
  for (int half = blockDim.x / 2; half > 0; half /= 2) {
    __syncthreads();
    if (t < half) sums[t] += sums[t + half];
  }
  if (t == 0) atomicAdd(y, sums[0]);
  // END SOLUTION
}
"""

# %%
x = np.arange(1000, dtype=np.float32)
try:
    for order in ("forward", "reverse", "shuffled"):
        y = np.zeros(1, np.float32)
        launch(FIXED, "fixed", (4,), (256,), (x, y, 1000), order=order)
        print(f"{order}: {y[0]:.0f}, and should be {x.sum():.0f}")
except (NotImplementedError, SimulatorError) as error:
    print(error)

# %% [markdown]
# ## 3 A product in tiles (6 points)
#
# $c = a\,b$ with $a$ (M, K), $b$ (K, N) and $c$ (M, N). Here is a kernel with a thread for each number of $c$. It is
# right, and reads two numbers from global memory for each multiplication: $2MNK$ in all. Global memory is what a GPU
# waits for.

# %%
NAIVE = r"""
extern "C" __global__ void naive(const float* a, const float* b, float* c, int M, int N, int K) {
  const int m = blockIdx.y * blockDim.y + threadIdx.y;
  const int n = blockIdx.x * blockDim.x + threadIdx.x;
  if (m >= M || n >= N) return;
  float sum = 0;
  for (int k = 0; k < K; k++) sum += a[m * K + k] * b[k * N + n];
  c[m * N + n] = sum;
}
"""

# %% [markdown]
# Do better with blocks of 16x16 threads, which compute 16x16 numbers of $c$ together. They walk along the sum in
# steps of 16: in each step, every thread brings *one* number of $a$ and *one* of $b$ into shared memory, and uses 16
# of each. The 16x16 numbers of a matrix that a block has brought together are a *tile*. (`#define TILE 16` in the
# text below makes `TILE` another name for 16.)
#
# ```
#                              b    k ->  +----+
#                                         |    |  16 x 16, brought by the block
#                                         +----+
#                                         |    |
#            a                            +----+
#            +----+----+----+----      +----+
#            |    |    |    |          |    |  c: the block's 16 x 16 sums,
#            +----+----+----+----      +----+  one in each thread
#              k ->
# ```
#
# M, N and K may be any numbers. Where a tile hangs over the edge of a matrix, put zeros into shared memory. And nobody
# may start to multiply before the tiles are complete, or bring the next ones while others still multiply.

# %% question="product"
PRODUCT = r"""
#define TILE 16

extern "C" __global__ void product(const float* a, const float* b, float* c, int M, int N, int K) {
  __shared__ float left[TILE][TILE], right[TILE][TILE];
  // BEGIN SOLUTION
  const int tx = threadIdx.x, ty = threadIdx.y;
  const int m = blockIdx.y * TILE + ty, n = blockIdx.x * TILE + tx;
  float sum = 0;
  for (int start = 0; start < K; start += TILE) {
    left[ty][tx] = m < M && start + tx < K ? a[m * K + start + tx] : 0;
    right[ty][tx] = start + ty < K && n < N ? b[(start + ty) * N + n] : 0;
    __syncthreads();  // the tiles are complete
    for (int k = 0; k < TILE; k++) sum += left[ty][k] * right[k][tx];
    __syncthreads();  // nobody reads them any more
  }
  if (m < M && n < N) c[m * N + n] = sum;
  // END SOLUTION
}
"""

# %% [markdown]
# `launch` returns what each argument has cost: bytes read and written in global memory, four for each number. Sixteen
# threads share what one has brought, so the tiled product should read a sixteenth.

# %%
def traffic(text, kernel, size):
    """Numbers read from global memory for a product of two square matrices."""
    a, b, c = (np.ones((size, size), np.float32) for _ in range(3))
    blocks = -(-size // 16)
    counted = launch(text, kernel, (blocks, blocks), (16, 16), (a, b, c, size, size, size))
    return sum(argument.read for argument in counted) // 4


try:
    sizes = [16, 32, 48, 64, 72]
    naive = [traffic(NAIVE, "naive", size) for size in sizes]
    tiled = [traffic(PRODUCT, "product", size) for size in sizes]
    plt.figure(figsize=(6, 3))
    plt.bar(np.arange(5) - 0.2, naive, 0.4, label="naive")
    plt.bar(np.arange(5) + 0.2, tiled, 0.4, label="in tiles")
    for place, (n, t) in enumerate(zip(naive, tiled, strict=True)):
        plt.text(place, n, f"{n / t:.1f} : 1", ha="center", va="bottom")
    plt.xticks(range(5), [f"{size}x{size}" for size in sizes])
    plt.margins(y=0.15)
    plt.xlabel("size of both matrices")
    plt.ylabel("numbers read")
    plt.legend()
    plt.show()
except (NotImplementedError, SimulatorError) as error:
    print(error)

# %% [markdown]
# Why is it less than 16 : 1 for 72x72? Each number of $a$ is read once for each tile along N: how many tiles are that?
#
# ## 4 Convolution (6 points)
#
# The loops of the definition, of which the outer ones have become threads: one for each number of
#
# $$y_{n,o,p,q} = b_o + \sum_{c,u,v} x_{n,\,c,\;p s + u - \text{pad},\;q s + v - \text{pad}}\; w_{o,c,u,v}$$
#
# with filters of kh x kw, stride $s$, and zeros where an index is outside the image: test it, nothing is padded in
# memory. The output has P rows and Q columns. The grid has one axis; thread $t$ (of all blocks, counted through)
# computes number $t$ of $y$ in memory. `t % Q` is its column $q$; for what is left, `t / Q`, ask again.

# %% question="conv"
CONV = r"""
extern "C" __global__ void conv(
    const float* x,  // (N, C, H, W)
    const float* w,  // (O, C, kh, kw)
    const float* b,  // (O)
    float* y,        // (N, O, P, Q)
    int N, int C, int H, int W, int O, int kh, int kw, int stride, int pad, int P, int Q) {
  // BEGIN SOLUTION
  const int t = blockIdx.x * blockDim.x + threadIdx.x;
  if (t >= N * O * P * Q) return;
  const int q = t % Q, p = t / Q % P, o = t / Q / P % O, n = t / Q / P / O;
  float sum = b[o];
  for (int c = 0; c < C; c++)
    for (int u = 0; u < kh; u++)
      for (int v = 0; v < kw; v++) {
        const int i = p * stride + u - pad, j = q * stride + v - pad;
        if (0 <= i && i < H && 0 <= j && j < W) sum +=
          x[((n * C + c) * H + i) * W + j] * w[((o * C + c) * kh + u) * kw + v];
      }
  y[t] = sum;
  // END SOLUTION
}
"""

# %% [markdown]
# Backward, the gradient $dy$ must go to the pixels. With a thread for each number of $dy$, several would add to one
# pixel at once. So turn it round: a thread for each *pixel* $(n, c, i, j)$ collects from the windows that saw it.
#
# $$dx_{n,c,i,j} = \sum_{o,u,v} dy_{n,o,p,q}\; w_{o,c,u,v} \qquad\text{over those with } p s + u - \text{pad} = i,\;\; q s + v - \text{pad} = j.$$
#
# For each row $u$ of the filter there is at most one such $p$: $i + \text{pad} - u$ must be a multiple of $s$, and
# $p$ one of $0 \dots P-1$. (C++ rounds towards 0, and `-1 / 2` is 0: so look at what is negative first.) Columns $v$
# and $q$ go the same way. Each thread writes its pixel once, and needs no `atomicAdd`.

# %% question="conv"
CONV_GRADIENT = r"""
extern "C" __global__ void conv_gradient(
    const float* dy,  // (N, O, P, Q)
    const float* w,   // (O, C, kh, kw)
    float* dx,        // (N, C, H, W)
    int N, int C, int H, int W, int O, int kh, int kw, int stride, int pad, int P, int Q) {
  // BEGIN SOLUTION
  const int t = blockIdx.x * blockDim.x + threadIdx.x;
  if (t >= N * C * H * W) return;
  const int j = t % W, i = t / W % H, c = t / W / H % C, n = t / W / H / C;
  float sum = 0;
  for (int u = 0; u < kh; u++)
    for (int v = 0; v < kw; v++) {
      const int down = i + pad - u, right = j + pad - v;
      if (down < 0 || right < 0 || down % stride || right % stride
          || down / stride >= P || right / stride >= Q) continue;
      const int p = down / stride, q = right / stride;
      for (int o = 0; o < O; o++)
        sum += dy[((n * O + o) * P + p) * Q + q] * w[((o * C + c) * kh + u) * kw + v];
    }
  dx[t] = sum;
  // END SOLUTION
}
"""

# %% [markdown]
# ## A digit through your kernel
#
# minicnn trains LeNet-5 for some seconds. Then a digit goes through the six filters of its first layer, in your kernel:
# 784 threads for each. Above are the filters, below what your kernel makes of the digit, without the bias: red is
# positive, blue is negative, white is 0.

# %%
from minicnn import Tensor, data, manual_seed, models, optim
from minicnn.train import Trainer

digit = Digits(train=False).images[160:161].astype(np.float32)
maps = np.full((1, 6, 28, 28), np.nan, np.float32)


def show(panel, values):
    largest = np.abs(values).max()
    panel.imshow(values, cmap="bwr", vmin=-largest, vmax=largest)


try:
    manual_seed(0)
    net = models.LeNet5()
    trainer = Trainer(net, optim.SGD(net.parameters(), lr=0.05, momentum=0.9))
    train = data.DataLoader(Digits(train=True), 64, shuffle=True, seed=0)
    trainer.fit(train, data.DataLoader(Digits(train=False), 120), epochs=3)
    weights, biases = net.c1.weight.numpy(), net.c1.bias.numpy()
    sizes = 1, 1, 32, 32, 6, 5, 5, 1, 0, 28, 28
    launch(CONV, "conv", (19,), (256,), (digit, weights, biases, maps, *sizes))
    difference = np.abs(maps - net.c1(Tensor(digit)).numpy()).max()
    print("largest difference from minicnn's layer:", difference)
    figure, panels = plt.subplots(2, 7, figsize=(11, 3.4))
    for panel in panels.flat:
        panel.axis("off")
    panels[0, 0].imshow(digit[0, 0], cmap="gray")
    panels[0, 0].set_title("the digit")
    for o in range(6):
        show(panels[0, o + 1], weights[o, 0])
        show(panels[1, o + 1], maps[0, o] - biases[o])
        panels[0, o + 1].set_title(f"filter {o}")
    plt.show()
except (NotImplementedError, SimulatorError) as error:
    print(error)

# %% [markdown]
# You now have a convolution, forward and backward, for a GPU: with it the course has arrived at what frameworks are
# made of. How does one go on from here? `docs/conv_ladder.md` takes the convolution in seven steps from this kernel
# to the tensor cores, and says what each of them buys.
