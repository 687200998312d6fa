// What threads and numbers do, written down for comparison with NumPy. One warp or one block each.

extern "C" __global__ void halves(const unsigned short* bits, float* numbers, unsigned short* back) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  numbers[i] = float_of_half(bits[i]);
  back[i] = half_of_float(numbers[i]);
}

extern "C" __global__ void to_half(const float* numbers, unsigned short* bits, unsigned* tf32) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  bits[i] = half_of_float(numbers[i]);
  tf32[i] = round_tf32(__float_as_uint(numbers[i]));
}

// Every lane gives its own number; y[width][kind][lane], NaN where another warp or nobody gives one.
extern "C" __global__ void shuffles(const float* x, float* y, int by) {
  const int t = threadIdx.x, warp = t / 32, lane = t % 32;
  const float v = x[t];
  int row = 0;
  for (int width = 32; width >= 4; width /= 2) {
    const float all[] = {__shfl_sync(0xffffffff, v, by, width), __shfl_up_sync(0xffffffff, v, by, width), __shfl_down_sync(0xffffffff, v, by, width),
                         __shfl_xor_sync(0xffffffff, v, by, width)};
    for (float one : all) y[(row++ * 2 + warp) * 32 + lane] = one;
  }
}

// 64 bits, and structures, go the same way.
struct Pair {
  float value;
  int index;
};
extern "C" __global__ void shuffled_types(double* d, long long* l, int* index) {
  const int t = threadIdx.x;
  d[t] = __shfl_down_sync(0xffffffff, d[t], 1);
  l[t] = __shfl_xor_sync(0xffffffff, l[t], 3);
  const Pair pair = {float(t), 100 - t};
  index[t] = __shfl_sync(0xffffffff, pair, 5).index;
}

extern "C" __global__ void votes(const int* x, unsigned* y) {
  const int t = threadIdx.x;
  y[t * 7 + 0] = __ballot_sync(0xffffffff, x[t]);
  y[t * 7 + 1] = __any_sync(0xffffffff, x[t] > 8);
  y[t * 7 + 2] = __all_sync(0xffffffff, x[t] < 9);
  y[t * 7 + 3] = __syncthreads_count(x[t]);
  y[t * 7 + 4] = __syncthreads_or(x[t] == 3);
  y[t * 7 + 5] = __syncthreads_and(x[t] < 9);
  y[t * 7 + 6] = __syncthreads_and(x[t] != 3);
}

extern "C" __global__ void atomics(const int* x, int* y, float* sum, unsigned* wrapped) {
  const int v = x[threadIdx.x];
  atomicAdd(y, v), atomicSub(y + 1, v), atomicMin(y + 2, v), atomicMax(y + 3, v), atomicAnd(y + 4, v), atomicOr(y + 5, v), atomicXor(y + 6, v);
  atomicExch(y + 7, 5);
  atomicCAS(y + 8, 0, v), atomicCAS(y + 8, -1, 99);
  atomicAdd(sum, 0.5f * v);
  atomicInc(wrapped, 9), atomicDec(wrapped + 1, 9);
}

extern "C" __global__ void integers(const unsigned* x, int* y, unsigned* high) {
  const unsigned v = x[threadIdx.x];
  int* to = y + threadIdx.x * 6;
  to[0] = __popc(v), to[1] = __clz(v), to[2] = __ffs(v), to[3] = __popcll((unsigned long long)v << 20), to[4] = __clzll(v), to[5] = __brev(v);
  high[threadIdx.x * 4] = __umulhi(v, 0x9e3779b9), high[threadIdx.x * 4 + 1] = __mulhi(int(v), -77);
  high[threadIdx.x * 4 + 2] = __funnelshift_l(v, ~v, 5), high[threadIdx.x * 4 + 3] = __funnelshift_r(v, ~v, 5);
}

extern "C" __global__ void functions(const float* x, float* y) {
  const float v = x[threadIdx.x], w = x[(threadIdx.x + 1) % 32];
  float* to = y + threadIdx.x * 12;
  to[0] = min(v, w), to[1] = max(v, w), to[2] = fminf(v, w), to[3] = fmaxf(v, w);
  to[4] = rsqrtf(4), to[5] = exp(0.5f), to[6] = sqrt(2.0f), to[7] = pow(3.0f, 2), to[8] = __saturatef(v), to[9] = fmaf(2, 3, 4), to[10] = max(3u, 4u);
  to[11] = INFINITY;
}

template <class T, int WIDTH>
__device__ T sum_of_block(T v) {
  __shared__ T partial[WIDTH], result;
  partial[threadIdx.x] = v;
  __syncthreads();
  if (threadIdx.x == 0) {
    result = 0;
    for (T one : partial) result += one;
  }
  __syncthreads();
  return result;
}

#define KERNEL(name, type) \
  extern "C" __global__ void __launch_bounds__(32) name(const type* x, type* y) { y[threadIdx.x] = sum_of_block<type, 32>(x[threadIdx.x]); }
KERNEL(sum_of_floats, float)
KERNEL(sum_of_ints, int)

extern "C" __global__ void grid_of_3_axes(int* y) {
  const dim3 g = gridDim, b = blockDim;
  const int block = blockIdx.x + g.x * (blockIdx.y + g.y * blockIdx.z), thread = threadIdx.x + b.x * (threadIdx.y + b.y * threadIdx.z);
  atomicAdd(&y[block * (b.x * b.y * b.z) + thread], 1);
}
