# ---
# jupyter:
#   jupytext: {text_representation: {extension: .py, format_name: percent}}
#   kernelspec: {display_name: Python 3 (ipykernel), language: python, name: python3}
# ---

# %% [markdown]
# # Assignment 7: CUDA without a GPU
#
# A GPU runs one function, the *kernel*, in thousands of *threads* at once. Every thread executes the same lines, and has its own number, from which it finds out what it has to do. Threads come in *blocks* of up to 1024; the threads of a block can wait for one another and share some fast
# memory. All blocks together are the *grid*. Whoever launches a kernel says how large both are.
#
# You need no GPU. You write kernels in CUDA C++, as texts in this notebook; a C++ compiler (`sudo apt install g++`) translates them, and minicnn's simulator runs them on your processor, thread by thread. It is slow, and it sees what a GPU does not tell you: indices outside an array, and threads
# that disturb each other. The same texts would run on a GPU.
#
# Write where it says `YOUR CODE HERE`, run the cell, and then the cell under it, which checks what you have run.
# Numbers are `float`, 32 bits, throughout.

# %% tags=["provided"]
import numpy as np
from minicnn.course.cuda import launch
from minicnn.errors import SimulatorError

# %% [markdown]
# ## 1 A thread for every number (4 points)
#
# $y_i = \max(0,\; a\,x_i + b)$ for $n$ numbers. In a grid along one axis, thread `threadIdx.x` of block `blockIdx.x` has `blockIdx.x * blockDim.x` threads in the blocks before its own, so it takes the number
#
# ```
# int i = blockIdx.x * blockDim.x + threadIdx.x;
# ```
#
# Blocks are all of one size, and $n$ is seldom a multiple of it: the last block has threads with nothing to do. They must not touch the arrays.

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
# Grids and blocks can have up to three axes: x, y and z. For images, let x be the column, y the row, and z the channel of all images, counted through: `blockIdx.z = n * C + c`. Here is who computes which pixel of one image of 20 rows and 28 columns, in blocks of 8x8: a colour for each block, and in it `threadIdx.x`.

# %%
import matplotlib.pyplot as plt

WHO = r"""
extern "C" __global__ void who(float* block, float* thread, int H, int W) {
  const int column = blockIdx.x * blockDim.x + threadIdx.x, row = blockIdx.y * blockDim.y + threadIdx.y;
  if (row >= H || column >= W) return;
  block[row * W + column] = blockIdx.y * gridDim.x + blockIdx.x;
  thread[row * W + column] = threadIdx.x;
}
"""

block, thread = np.zeros((20, 28), np.float32), np.zeros((20, 28), np.float32)
launch(WHO, "who", grid=(4, 3), block=(8, 8), arguments=(block, thread, 20, 28))
plt.figure(figsize=(9, 6))
plt.imshow(block, cmap="tab20")
for (row, column), number in np.ndenumerate(thread):
    plt.text(column, row, int(number), ha="center", va="center", fontsize=7)
plt.xticks(range(0, 28, 4))
plt.yticks(range(0, 20, 4))
plt.title("12 blocks of 64 threads; 208 of the 768 threads have no pixel")
plt.show()

# %% [markdown]
# Turn images (N, C, H, W) over, left to right, and subtract each channel's mean: $y_{n,c,i,j} = x_{n,c,i,W-1-j} - m_c$. An array has its numbers one after the other in memory, the last index fastest: $x_{n,c,i,j}$ is `x[((n * C + c) * H + i) * W + j]`.

# %% question="index"
MIRROR = r"""
extern "C" __global__ void mirror(const float* x, const float* m, float* y, int N, int C, int H, int W) {
  // BEGIN SOLUTION
  const int j = blockIdx.x * blockDim.x + threadIdx.x, i = blockIdx.y * blockDim.y + threadIdx.y, image = blockIdx.z;
  if (i >= H || j >= W || image >= N * C) return;
  y[(image * H + i) * W + j] = x[(image * H + i) * W + W - 1 - j] - m[image % C];
  // END SOLUTION
}
"""

# %%
from minicnn.data import Digits

digits = Digits(train=False, size=28).images[:3].astype(np.float32)
turned = np.full_like(digits, np.nan)
try:
    launch(MIRROR, "mirror", grid=(4, 4, 3), block=(8, 8), arguments=(digits, np.zeros(1, np.float32), turned, 3, 1, 28, 28))
    plt.figure(figsize=(6, 3))
    plt.imshow(np.concatenate([np.hstack(digits[:, 0]), np.hstack(turned[:, 0])]), cmap="gray")
    plt.show()
except NotImplementedError as error:
    print(error)

# %% [markdown]
# ## 2 Races (6 points)
#
# Threads of a block share arrays that are declared with `__shared__`. What one writes another can read, but *when*? On a GPU nobody knows which thread comes first. `__syncthreads()` is a barrier: every thread of the block waits there until all have come.
#
# First do it wrong on purpose. One block of 64 threads adds 64 numbers: each thread stores one in shared memory, and one of them adds up what all have stored, into `y[0]`. Leave the barrier out, in such a way that the sum is *right* when the threads take their turns forward, and wrong in reverse. (The simulator lets a
# thread run until it waits or ends.)

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
# Run it in three orders, and then with the memory check, which notes for every byte of shared memory who has used it since the last barrier. It needs no luck with the order: read its sentence. (Numbers in brackets are those of a thread along x, y and z; the line is that of your text.)

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
# Now do it right, and better. In a *tree*, half of the threads add the number of another one to their own, then a quarter of them, and so on: for 256 numbers 8 steps instead of 256.
#
# ```
# numbers of a block    3  1  4  1  5  9  2  6
# first 4 threads       8 10  6  7              each adds the one 4 further on
# first 2 threads      14 17                                     2
# first thread         31                                        1
# ```
#
# The block has a power of two of threads, up to 1024, and there are as many blocks as `n` numbers need, or more. Each block adds its sum to `y[0]`. Blocks run at the same time, too, so that `y[0] += ...` would lose most of the sums: use `atomicAdd(y, sum)`, once in each block. Where are barriers needed? And a barrier
# inside an `if` that not all threads of the block enter is a mistake of its own: some would wait forever.

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
# $c = a\,b$ with $a$ (M, K), $b$ (K, N) and $c$ (M, N). Here is a kernel with a thread for each number of $c$. It is right, and reads two numbers from global memory for each multiplication: $2MNK$ in all. Global memory is what a GPU waits for.

# %%
NAIVE = r"""
extern "C" __global__ void naive(const float* a, const float* b, float* c, int M, int N, int K) {
  const int m = blockIdx.y * blockDim.y + threadIdx.y, n = blockIdx.x * blockDim.x + threadIdx.x;
  if (m >= M || n >= N) return;
  float sum = 0;
  for (int k = 0; k < K; k++) sum += a[m * K + k] * b[k * N + n];
  c[m * N + n] = sum;
}
"""

# %% [markdown]
# Do better with blocks of 16x16 threads, which compute 16x16 numbers of $c$ together. They walk along the sum in steps of 16: in each step, every thread brings *one* number of $a$ and *one* of $b$ into shared memory, and uses 16 of each.
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
# M, N and K may be any numbers. Where a tile hangs over the edge of a matrix, put zeros into shared memory. And nobody may start to multiply before the tiles are complete, or bring the next ones while others still multiply.

# %% question="product"
PRODUCT = r"""
#define TILE 16

extern "C" __global__ void product(const float* a, const float* b, float* c, int M, int N, int K) {
  __shared__ float left[TILE][TILE], right[TILE][TILE];
  // BEGIN SOLUTION
  const int tx = threadIdx.x, ty = threadIdx.y, m = blockIdx.y * TILE + ty, n = blockIdx.x * TILE + tx;
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
# `launch` returns what each argument has cost: bytes read and written in global memory. Sixteen threads share what one has brought, so the tiled product should read a sixteenth.

# %%
def traffic(text, kernel, size):
    """Numbers read from global memory for a product of two square matrices."""
    a, b, c = (np.ones((size, size), np.float32) for _ in range(3))
    blocks = -(-size // 16)
    counted = launch(text, kernel, (blocks, blocks), (16, 16), (a, b, c, size, size, size))
    return sum(argument.read for argument in counted) // 4


try:
    sizes = [16, 32, 48, 64, 72]
    naive, tiled = ([traffic(text, kernel, size) for size in sizes] for text, kernel in ((NAIVE, "naive"), (PRODUCT, "product")))
    plt.figure(figsize=(6, 3))
    plt.bar(np.arange(5) - 0.2, naive, 0.4, label="naive")
    plt.bar(np.arange(5) + 0.2, tiled, 0.4, label="in tiles")
    for place, (n, t) in enumerate(zip(naive, tiled, strict=True)):
        plt.text(place, n, f"{n / t:.1f} : 1", ha="center", va="bottom")
    plt.xticks(range(5), [f"{size}x{size}" for size in sizes])
    plt.margins(y=0.15)
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
# with filters of kh x kw, stride $s$, and zeros where an index is outside the image: test it, nothing is padded in memory. The grid has one axis; thread $t$ computes number $t$ of $y$ in memory. `t % Q` is its column $q$; for what is left, `t / Q`, ask again.

# %% question="conv"
CONV = r"""
extern "C" __global__ void conv(const float* x, const float* w, const float* b, float* y,  // (N, C, H, W), (O, C, kh, kw), (O), (N, O, P, Q)
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
        if (0 <= i && i < H && 0 <= j && j < W) sum += x[((n * C + c) * H + i) * W + j] * w[((o * C + c) * kh + u) * kw + v];
      }
  y[t] = sum;
  // END SOLUTION
}
"""

# %% [markdown]
# Backward, the gradient $dy$ must go to the pixels. With a thread for each number of $dy$, several would add to one pixel at once. So turn it round: a thread for each *pixel* $(n, c, i, j)$ collects from the windows that saw it.
#
# $$dx_{n,c,i,j} = \sum_{o,u,v} dy_{n,o,p,q}\; w_{o,c,u,v} \qquad\text{over those with } p s + u - \text{pad} = i,\;\; q s + v - \text{pad} = j.$$
#
# For each tap $u$ there is at most one such $p$: $i + \text{pad} - u$ must be a multiple of $s$, and $p$ one of $0 \dots P-1$. Each thread writes its pixel once, and needs no atomics.

# %% question="conv"
CONV_GRADIENT = r"""
extern "C" __global__ void conv_gradient(const float* dy, const float* w, float* dx,  // (N, O, P, Q), (O, C, kh, kw), (N, C, H, W)
                                         int N, int C, int H, int W, int O, int kh, int kw, int stride, int pad, int P, int Q) {
  // BEGIN SOLUTION
  const int t = blockIdx.x * blockDim.x + threadIdx.x;
  if (t >= N * C * H * W) return;
  const int j = t % W, i = t / W % H, c = t / W / H % C, n = t / W / H / C;
  float sum = 0;
  for (int u = 0; u < kh; u++)
    for (int v = 0; v < kw; v++) {
      const int down = i + pad - u, right = j + pad - v;
      if (down < 0 || right < 0 || down % stride || right % stride || down / stride >= P || right / stride >= Q) continue;
      for (int o = 0; o < O; o++) sum += dy[((n * O + o) * P + down / stride) * Q + right / stride] * w[((o * C + c) * kh + u) * kw + v];
    }
  dx[t] = sum;
  // END SOLUTION
}
"""

# %% [markdown]
# ## A digit through your kernel
#
# minicnn trains LeNet-5 for some seconds. Then a digit goes through the six filters of its first layer, in your kernel: 784 threads for each.

# %%
from minicnn import Tensor, data, manual_seed, models, optim
from minicnn.train import Trainer

try:
    manual_seed(0)
    net = models.LeNet5()
    Trainer(net, optim.SGD(net.parameters(), lr=0.05, momentum=0.9)).fit(data.DataLoader(Digits(train=True), 64, shuffle=True, seed=0), data.DataLoader(Digits(train=False), 120), epochs=3)
    weights, biases = (parameter.numpy() for parameter in list(net.parameters())[:2])
    digit = Digits(train=False).images[7:8].astype(np.float32)
    maps = np.full((1, 6, 28, 28), np.nan, np.float32)
    launch(CONV, "conv", (19,), (256,), (digit, weights, biases, maps, 1, 1, 32, 32, 6, 5, 5, 1, 0, 28, 28))
    print("largest difference from minicnn's layer:", np.abs(maps - net.c1(Tensor(digit)).numpy()).max())
    figure, panels = plt.subplots(2, 7, figsize=(12, 3.6))
    for panel in panels.flat:
        panel.axis("off")
    panels[0, 0].imshow(digit[0, 0], cmap="gray")
    for o in range(6):
        panels[0, o + 1].imshow(weights[o, 0], cmap="coolwarm")
        panels[1, o + 1].imshow(maps[0, o], cmap="coolwarm")
    plt.show()
except (NotImplementedError, SimulatorError) as error:
    print(error)

# %% [markdown]
# How does one go on from here? `docs/conv_ladder.md` takes the convolution in seven steps from this kernel to the tensor cores, and says what each of them buys.
